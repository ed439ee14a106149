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
from pipeline.restricted.formats import (
    FIELDS,
    FORMATS,
    RAW_SCHEMA,
    REJECTS,
    WRAPPERS,
    Context,
    detect,
    find,
    parse,
)
from pipeline.restricted.formats.fields import EARLIEST, FUTURE_ALLOWED, MAX_BYTES
from tests.unit.restricted.formats.quirks import QUIRKS

NOW = 1_800_000_000
_GOOD = [quirk["line"] for quirk in QUIRKS if "row" in quirk]
_OBJECTS = [line for line in _GOOD if line.startswith("{")]

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


@st.composite
def _almost(draw: st.DrawFn) -> str:
    """A line that some format reads, with a piece of it gone, changed or twice there."""
    line: str = draw(st.sampled_from(_GOOD))
    cuts = sorted((draw(st.integers(0, len(line))), draw(st.integers(0, len(line)))))
    between = draw(st.one_of(_pieces, _quoted, st.just(line[cuts[0] : cuts[1]] * 2)))
    return line[: cuts[0]] + between + line[cuts[1] :]


_FIELDS = sorted({quirk["fields"] for quirk in QUIRKS if "fields" in quirk})
_directives = st.one_of(
    st.sampled_from(_FIELDS), st.lists(st.sampled_from(" ".join(_FIELDS).split())).map(" ".join)
)
_inner = st.one_of(
    _text, _shaped, _almost_combined(), _nginx, _caddy, _almost(), st.sampled_from(_GOOD),
    _directives.map("#Fields: ".__add__),
)  # fmt: skip


@st.composite
def _almost_json(draw: st.DrawFn) -> str:
    """A line of a JSON format with some of its values exchanged for anything."""
    line = json.loads(draw(st.sampled_from(_OBJECTS)))
    box = line
    for _ in range(draw(st.integers(1, 3))):
        key = draw(st.sampled_from(sorted(box)))
        if isinstance(box[key], dict) and box[key] and draw(st.booleans()):
            box = box[key]
        else:
            box[key] = draw(_json)
    return json.dumps(line)


@st.composite
def _enveloped(draw: st.DrawFn) -> str:
    """A line within a wrapper, or within what is almost one."""
    line, word = draw(_inner), draw(st.one_of(_pieces, _quoted))
    return draw(
        st.sampled_from(
            [
                f"<190>Oct 11 22:14:15 {word} nginx: {line}",
                f"<190>Oct 11 22:14:15 {word}: {line}",
                f'<1>1 - {word} - - - [a b="{word}"] {line}',
                f"{len(line)} <1>1 - - - - - {word}{line}",
                f"2016-10-06T00:17:09.6Z stdout F {line}",
                f"2016-10-06T00:17:09.6Z {word} F {line}",
                json.dumps({"log": line + "\n"}),
                json.dumps({"log": line, "kubernetes": {word: word}}),
                json.dumps({"message": draw(_json), "kubernetes": {}}),
                json.dumps({"MESSAGE": line}),
                json.dumps({"MESSAGE": draw(_json)}),
                json.dumps({"MESSAGE": list(line.encode())}),
            ]
        )
    )


_lines = st.lists(st.one_of(st.none(), _inner, _almost_json(), _enveloped()), max_size=8)
WRAPPED = [f"{wrapper}.combined" for wrapper in WRAPPERS]


@pytest.mark.parametrize("name", [*FORMATS, *WRAPPED])
@settings(max_examples=60)
@given(
    lines=_lines,
    directive=st.one_of(st.just(""), _directives),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    starts=st.one_of(st.none(), st.lists(st.booleans(), min_size=8, max_size=8)),
)
def test_rows_or_rejects(
    name: str, lines: list[str | None], directive: str, zone: str, starts: list[bool] | None
) -> None:
    of = None if starts is None else pl.Series(starts[: len(lines)], dtype=pl.Boolean)
    context = Context(NOW, zone=zone, directive=directive, starts=of)
    found = parse(name, pl.Series(lines, dtype=pl.String), context)
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
@given(lines=_lines, directive=st.one_of(st.just(""), _directives))
def test_detection_never_raises(lines: list[str | None], directive: str) -> None:
    found = detect(pl.Series(lines, dtype=pl.String), directive=directive)
    assert found.format is None or find(found.format) is not None
    assert found.reason
