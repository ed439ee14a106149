"""Whatever the text, a line becomes a row or a reject: never an exception, never a lost line."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.restricted.client_ip import canonical
from pipeline.restricted.formats import FIELDS, FORMATS, RAW_SCHEMA, REJECTS, Context, detect, parse
from pipeline.restricted.formats.fields import EARLIEST, FUTURE_ALLOWED, MAX_BYTES

NOW = 1_800_000_000

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=80)
_pieces = st.sampled_from(
    [
        "192.0.2.7", "::1", "-", " ", '"', "\\", r"\x16", r"\"", "[", "]", "{", "}", ",", ":",
        "17/May/2015:10:05:03 +0000", "99/Xyz/9999:99:99:99 +9999", "GET / HTTP/1.1", "200",
        "184467440737095516160", "example.org:80", "Mozilla/5.0", "\x00", "�", "é", "null",
        '"remote_addr"', '"request"', '"ts"', "1e999",
    ]
)  # fmt: skip
_shaped = st.lists(_pieces, max_size=14).map("".join)
_quoted = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=30)


@st.composite
def _almost_combined(draw: st.DrawFn) -> str:
    fields = [draw(st.one_of(_pieces, _quoted)) for _ in range(9)]
    a, b, c, d, e, f, g, h, i = fields
    return f'{a} {b} {c} [{d}] "{e}" {f} {g} "{h}" "{i}"'


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _quoted,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_quoted, inner, max_size=3),
    max_leaves=6,
)
_nginx = st.dictionaries(
    st.sampled_from(
        ["remote_addr", "msec", "time_iso8601", "time_local", "request", "request_method",
         "request_uri", "status", "body_bytes_sent", "bytes_sent", "http_referer",
         "http_user_agent", "host"]
    ),
    _json,
).map(json.dumps)  # fmt: skip
_caddy = st.fixed_dictionaries(
    {"ts": _json},
    optional={
        "status": _json,
        "size": _json,
        "request": _json
        | st.dictionaries(
            st.sampled_from(["client_ip", "remote_ip", "method", "uri", "host", "headers"]), _json
        ),
    },
).map(json.dumps)

_lines = st.lists(
    st.one_of(st.none(), _text, _shaped, _almost_combined(), _nginx, _caddy), max_size=8
)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60)
@given(lines=_lines)
def test_rows_or_rejects(name: str, lines: list[str | None]) -> None:
    found = parse(name, pl.Series(lines, dtype=pl.String), Context(NOW))
    assert dict(found.schema) == RAW_SCHEMA
    assert len(found) == len(lines)
    for row in found.iter_rows(named=True):
        if row["reject"] is not None:
            assert row["reject"] in REJECTS
            assert all(row[field] is None for field in FIELDS)
            continue
        assert canonical(row["address"]) == row["address"]
        assert EARLIEST <= row["time"] <= NOW + FUTURE_ALLOWED
        assert 0 <= row["bytes"] <= MAX_BYTES
        assert row["status"] is None or re.fullmatch("[0-9]{3}", row["status"])


@settings(max_examples=60)
@given(lines=_lines)
def test_detection_never_raises(lines: list[str | None]) -> None:
    found = detect(pl.Series(lines, dtype=pl.String))
    assert found.format is None or found.format in FORMATS
    assert found.reason
