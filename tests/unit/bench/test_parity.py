"""Equal tables pass, and the first difference is told where they are not."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.bench.parity import Key, Tables, first_difference, keyed

ROW = {
    "site": "bench",
    "window_start": dt.datetime(2025, 1, 6, 10),  # noqa: DTZ001 - as ClickHouse gives it
    "dimension": "page",
    "value": "/a",
    "hits": 12,
    "visitors": 11,
    "revision": 3,
}
KEY: Key = ("bench", 1_736_157_600, "page", "/a")


def test_rows_of_clickhouse_and_of_the_oracle_become_the_same() -> None:
    """Naive and aware datetimes, dates and seconds are one moment."""
    aware = dt.datetime(2025, 1, 6, 11, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    for start in (ROW["window_start"], aware, 1_736_157_600):
        row = {**ROW, "window_start": start}
        assert keyed("breakdown_hourly", [row]) == {KEY: (12, 11)}
    (key,) = keyed("breakdown_daily", [{**ROW, "window_start": dt.date(2025, 1, 6)}])
    assert key[1] == 1_736_121_600


def test_a_key_twice_is_an_error() -> None:
    """Two revisions of one cell must not be added up unseen."""
    with pytest.raises(ValueError, match="two rows"):
        keyed("breakdown_hourly", [ROW, ROW])


def test_equal_tables_have_no_difference() -> None:
    """An empty table equals a missing one."""
    tables: Tables = {"breakdown_hourly": {KEY: (12, 11)}}
    assert first_difference(tables, {**tables, "traffic_daily": {}}) is None


def test_the_first_difference_is_told() -> None:
    """Wrong numbers, missing rows and rows too many, in order of their keys."""
    later: Key = ("bench", 1_736_161_200, "page", "/a")
    expected: Tables = {"breakdown_hourly": {KEY: (12, 11), later: (10, 10)}}
    wrong: Tables = {"breakdown_hourly": {KEY: (12, 10), later: (10, 10)}}
    text = first_difference(wrong, expected)
    assert text == (
        "breakdown_hourly: 1 of 2 rows differ; the first, site bench, window_start 1736157600, "
        "dimension page, value /a: found 12 hits, 10 visitors, reference 12 hits, 11 visitors"
    )
    missing = first_difference({"breakdown_hourly": {KEY: (12, 11)}}, expected)
    assert missing is not None
    assert "found nothing, reference 10 hits" in missing
    extra = first_difference(expected, {"breakdown_hourly": {later: (10, 10)}})
    assert extra is not None
    assert "reference nothing" in extra
