"""Ports, brackets and origins come off, whoever is read beside them."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.formats.pieces import bare_addresses, split_urls, without_origins
from pipeline.restricted.proxies import bare

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#]*)(.*)", re.DOTALL)

_part = st.text(st.sampled_from("aZ9.:/?#@-[] é\n"), max_size=6)
_scheme = st.sampled_from(
    ["http://", "https://", "HTTP://", "wss://", "a+b://", "1://", "http:/a://", ":", "", "//"]
)
_urls = st.builds("{}{}{}".format, _scheme, st.sampled_from(["", "h.example:8", "a@h"]), _part)


@given(st.lists(st.none() | _urls, max_size=6))
def test_each_url_is_cut_as_the_pattern_says(urls: list[str | None]) -> None:
    found = split_urls(pl.Series(urls, dtype=pl.String)).rows()
    matches = [URL.fullmatch(url) if url is not None else None for url in urls]
    assert found == [
        (match[1], match[2] or "/") if match else (None, url)
        for url, match in zip(urls, matches, strict=True)
    ]


def test_an_origin_in_the_target_is_the_host_where_none_is_told() -> None:
    found = pl.DataFrame(
        [("https://Shop.example:443/a?b=c//d", None), ("http://a@shop.example?b", None),
         ("https://other.example", "shop.example"), ("/a?next=https://other.example/", None)],
        {"target": pl.String, "host": pl.String}, orient="row",
    )  # fmt: skip
    assert without_origins(found).rows() == [
        ("/a?b=c//d", "shop.example"),
        ("?b", "shop.example"),
        ("/", "shop.example"),
        ("/a?next=https://other.example/", None),
    ]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:80", "192.0.2.7"),
        ("192.0.2.7:", "192.0.2.7"),
        ("192.0.2.7:_obscured", "192.0.2.7"),
        ("[2001:db8::7]:80", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:db8::7:80", "2001:db8::7:80"),
        ("[2001:db8::7", None),
        ("192.0.2.7:80:80", None),
        ("host.example:80", None),
    ],
)
def test_a_line_and_a_proxys_header_take_the_same_for_an_address(
    written: str, address: str | None
) -> None:
    """Beside an address that has a port, and beside one that has none."""
    assert bare(written) == address
    for other in ("192.0.2.1", "192.0.2.1:9", None):
        found = bare_addresses(pl.Series([other, written]))
        assert found[1] == (address or written)
