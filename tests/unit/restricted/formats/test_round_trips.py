"""What a server was asked comes back from the line it writes of it, whatever the client sent."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.restricted.client_ip import canonical
from pipeline.restricted.formats import Context, parse
from pipeline.restricted.proxies import read_proxies
from tests.unit.restricted.formats.writers import DIRECTIVES, WRITERS, ZONE

NOW = 1_800_000_000
SAID: Final[dict[str, Any]] = {"bytes": 0, "host": None, "referrer": None, "method": "GET"}
"""What a field is where a format does not say it."""

_ALPHABETS = {
    "traefik": "", "icecast": "", "s3": '"', "iis": "+", "netscaler": '"+', "cloudfront": "%",
    "shoutcast": "%",
}  # fmt: skip
"""What cannot be told from the format's own signs, so that no line gives it back."""


_targets = st.from_regex(
    r"/([A-Za-z0-9/._~-]|%[0-9A-F]{2}){0,20}(\?[a-z]=([A-Za-z0-9&=#.-]|%[0-9A-F]{2}){1,20})?",
    fullmatch=True,
)


@st.composite
def _rows(draw: st.DrawFn, name: str) -> dict[str, Any]:
    without = _ALPHABETS.get(name, "")
    letters = st.text(
        st.characters(
            exclude_categories=["C", "Z"], include_characters=" ", exclude_characters=without
        ),
        min_size=1,
        max_size=40,
    ).filter(lambda text: text.strip() == text and text != "-")
    address = draw(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
    return {
        "address": canonical(address),
        "time": draw(st.integers(800_000_000, NOW)),
        "method": draw(st.sampled_from(["GET", "POST", "PURGE"])),
        "target": draw(_targets),
        "status": draw(st.one_of(st.none(), st.from_regex("[1-5][0-9]{2}", fullmatch=True))),
        "bytes": draw(st.integers(0, 2**40)),
        "referrer": draw(
            st.one_of(st.none(), st.from_regex(r"https?://[a-z./?=&]{1,20}", fullmatch=True))
        ),
        "agent": draw(st.one_of(st.none(), letters)),
        "host": draw(st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True)),
    }


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40)
@given(data=st.data())
def test_the_row_comes_back(name: str, data: st.DataObject) -> None:
    write, unsaid = WRITERS[name]
    rows = [data.draw(_rows(name)) for _ in range(3)]
    lines = pl.Series([write(row) for row in rows])
    # Each line is a message: nothing tells the two passes of an hour apart.
    context = Context(
        NOW, zone=ZONE, directive=DIRECTIVES.get(name, ""), starts=pl.Series([True] * 3)
    )
    found = parse(name, lines, context).rows(named=True)
    for row, got in zip(rows, found, strict=True):
        wanted = {**row, **{field: SAID[field] for field in unsaid}}
        if got["time"] == row["time"] - 3_600:
            assume(False)
        assert {field: got[field] for field in wanted} == wanted
        assert got["reject"] is None


@pytest.mark.parametrize(
    ("name", "line", "fields"),
    [
        (
            "haproxy",
            '10.0.0.9:1 [17/May/2015:10:05:03] a b/c 0/0/0/0/0 200 1 - - ---- 1/1/1/1/0 0/0 '
            '{h|r|a|198.51.100.7} "GET / HTTP/1.1"',
            "",
        ),
        (
            "w3c",
            '2015-05-17 10:05:03 10.0.0.9 "203.0.113.9, 198.51.100.7"',
            "date time c-ip cs(X-Forwarded-For)",
        ),
        (
            "iis",
            "2015-05-17 10:05:03 10.0.0.9 203.0.113.9,+198.51.100.7",
            "date time c-ip X-Forwarded-For",
        ),
        (
            "cloudfront",
            "2015-05-17\t10:05:03\t10.0.0.9\t203.0.113.9,%20198.51.100.7",
            "date time c-ip x-forwarded-for",
        ),
    ],
)  # fmt: skip
def test_a_trusted_proxy_is_believed_and_nobody_else(name: str, line: str, fields: str) -> None:
    for trusted, address in (("10.0.0.0/8", "198.51.100.7"), ("192.0.2.0/24", "10.0.0.9")):
        context = Context(NOW, directive=fields, proxies=read_proxies([trusted]))
        assert parse(name, pl.Series([line]), context)["address"].to_list() == [address]
