"""Each known quirk of a format gives the row, or the reason, that its fixture names."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from pipeline.restricted.formats import (
    FIELDS,
    FORMATS,
    MAX_LINE_BYTES,
    RAW_SCHEMA,
    REJECTS,
    Context,
    parse,
)
from pipeline.restricted.formats.fields import EARLIEST, FUTURE_ALLOWED, MAX_BYTES, check
from tests.unit.restricted.formats.quirks import QUIRKS, context, read

NOW = 1_800_000_000


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda q: f"{q['format']}: {q['quirk']}")
def test_quirk(quirk: dict[str, Any]) -> None:
    row = read(quirk, NOW)
    assert row["reject"] == quirk.get("reject")
    wanted = quirk.get("row") or dict.fromkeys(FIELDS)
    assert {name: row[name] for name in wanted} == wanted


def test_every_format_and_every_reason_has_a_quirk() -> None:
    assert {quirk["format"] for quirk in QUIRKS} == set(FORMATS)
    assert {quirk["reject"] for quirk in QUIRKS if quirk.get("reject")} == set(REJECTS) - {
        "too_long"
    }


@pytest.mark.parametrize("name", FORMATS)
def test_lines_keep_their_order_among_bad_neighbours(name: str) -> None:
    first = next(q for q in QUIRKS if q["format"] == name and "row" in q)
    good = [
        quirk["line"]
        for quirk in QUIRKS
        if quirk["format"] == name
        and "row" in quirk
        and context(quirk, NOW) == context(first, NOW)
        and "before" not in quirk
    ]
    bad = ['{"remote_addr":"', '"},{', "", "nonsense", '{"a":[1', "2]}"]
    lines = [line for pair in zip(good, bad * len(good), strict=False) for line in pair]
    alone = pl.concat(parse(name, pl.Series([line]), context(first, NOW)) for line in lines)
    assert parse(name, pl.Series(lines), context(first, NOW)).equals(alone)
    assert alone["reject"].null_count() == len(good)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_in_nothing_out(name: str) -> None:
    assert dict(parse(name, pl.Series([], dtype=pl.String), Context(NOW)).schema) == RAW_SCHEMA
    row = parse(name, pl.Series([None], dtype=pl.String), Context(NOW))
    assert dict(row.schema) == RAW_SCHEMA
    assert row["reject"].to_list() == ["empty"]


def test_a_line_over_the_limit_is_too_long() -> None:
    head = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "'
    fits = head + "x" * (MAX_LINE_BYTES - len(head) - 1) + '"'
    lines = pl.Series([fits, fits + " "])
    assert parse("combined", lines, Context(NOW))["reject"].to_list() == [None, "too_long"]


@pytest.mark.parametrize(
    ("found", "reject"),
    [
        ({"time": EARLIEST}, None),
        ({"time": EARLIEST - 1}, "time_out_of_range"),
        ({"bytes": MAX_BYTES}, None),
        ({"bytes": MAX_BYTES + 1}, "bad_size"),
    ],
)
def test_what_no_server_wrote_is_refused(found: dict[str, object], reject: str | None) -> None:
    sound = {"address": "192.0.2.7", "time": NOW, "bytes": 0}
    row = pl.DataFrame([{"matched": True, **sound, **found}], {"matched": pl.Boolean(), **FIELDS})
    assert check(row, pl.Series(["a line"]), Context(NOW))["reject"].to_list() == [reject]


@pytest.mark.parametrize(
    ("status", "told"), [("99", None), ("100", "100"), ("999", "999"), ("1000", None)]
)
def test_a_status_has_three_digits(status: str, told: str | None) -> None:
    sound = {"matched": True, "address": "192.0.2.7", "time": NOW, "bytes": 0, "status": status}
    row = pl.DataFrame([sound], {"matched": pl.Boolean(), **FIELDS})
    assert check(row, pl.Series(["a line"]), Context(NOW))["status"].to_list() == [told]


def test_the_future_ends_a_day_from_now() -> None:
    line = '192.0.2.7 - - [15/Jan/2027:08:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "x"'
    for now, reject in ((NOW, None), (NOW - FUTURE_ALLOWED, None), (NOW - FUTURE_ALLOWED - 1, "x")):
        found = parse("combined", pl.Series([line]), Context(now))["reject"][0]
        assert (found == "time_out_of_range") == (reject is not None)
