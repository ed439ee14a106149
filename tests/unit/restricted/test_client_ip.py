"""One client, one spelling."""

from __future__ import annotations

import ipaddress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.client_ip import (
    canonical,
    canonical_column,
    subscriber,
    subscriber_column,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7%1", "192.0.2.7"),
        ("64:ff9b::c000:207", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("64:ff9b:1::c000:207", "64:ff9b:1::c000:207"),  # a network's own translator: its own way
        ("2002:c000:207::1", "192.0.2.7"),
        ("10.0.0.1", "10.0.0.1"),
        ("fd00::1", "fd00::1"),
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
    given = pl.Series(texts, dtype=pl.String)
    assert canonical_column(given).to_list() == wanted
    assert given.to_list() == texts


@given(st.ip_addresses())
def test_canonical_text_is_its_own_canonical_text(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    once = canonical(str(address))
    assert once is not None
    assert canonical(once) == once


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("::1", "::"),
    ],
)
def test_visitors_of_ipv6_are_told_apart_by_their_first_64_bits(address: str, wanted: str) -> None:
    assert subscriber(address) == wanted


@given(st.lists(st.ip_addresses().map(str)))
def test_a_column_of_subscribers_says_what_each_address_says(addresses: list[str]) -> None:
    found = subscriber_column(pl.Series(addresses, dtype=pl.String)).to_list()
    assert found == [subscriber(address) for address in addresses]
