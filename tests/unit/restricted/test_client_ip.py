"""One client, one spelling."""

from __future__ import annotations

import ipaddress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.client_ip import canonical, canonical_column


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::", "::"),
        ("192.0.2.007", None),
        ("192.0.2", None),
        ("192.0.2.7:80", None),
        ("[::1]", None),
        ("host.example.org", None),
        ("3221225991", None),
        ("-", None),
        ("", None),
        ("1" * 100_000, None),
    ],
)
def test_canonical(text: str, wanted: str | None) -> None:
    assert canonical(text) == wanted
    assert canonical_column(pl.Series([text])).to_list() == [wanted]


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.ip_addresses().map(str),
            st.ip_addresses(v=6).map(lambda a: a.exploded.upper()),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        ),
        max_size=12,
    )
)
def test_a_column_says_what_each_value_says(texts: list[str | None]) -> None:
    wanted = [None if text is None else canonical(text) for text in texts]
    assert canonical_column(pl.Series(texts, dtype=pl.String)).to_list() == wanted


@given(st.ip_addresses())
def test_canonical_text_is_its_own_canonical_text(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    once = canonical(str(address))
    assert once is not None
    assert canonical(once) == once
