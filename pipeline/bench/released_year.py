# ruff: noqa: S608 -- numbers and names of ours alone
"""A year of released cells of many sites in an embedded engine, made by the engine itself.

Ordinary sites: some thirty values of a dimension that can be shown a day, ten an hour.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate

FIRST: Final = dt.date(2025, 12, 1)
_MARK: Final = "filled"
_RETENTION: Final = 3650
_DIMENSIONS: Final = {
    "view": {
        "page": 30, "referrer_kind": 6, "referrer": 30, "campaign": 15, "browser": 12,
        "system": 8, "device": 3, "suspicion": 3, "country": 30, "provider": 30, "status": 2,
        "locale": 1,
    },
    "request": {"page": 30, "status": 6, "method": 3, "browser": 12, "country": 30, "provider": 30},
    "failed": {"page": 30, "status": 6, "referrer": 10, "browser": 12},
    "bot": {"page": 30, "status": 6, "bot": 8, "provider": 15},
}  # fmt: skip
"""Segment → dimension → values that are shown of a day, at most."""
_AN_HOUR: Final = 10
_ACROSS: Final = {
    "role": ("segment", "page", "referrer_kind", "referrer", "campaign", "browser", "system",
             "device", "country", "provider"),
    "next_page": ("page",),
    "click_path": ("page",),
    "referrer_kind": ("page",),
    "device": ("country",),
    "visit_length": ("segment",),
}  # fmt: skip
_ROLES: Final = ("bounce", "entry", "between", "exit")


@dataclass(frozen=True, slots=True)
class Year:
    """How many sites and days are made, and for how many of the newest days hours."""

    sites: int = 100
    days: int = 365
    hour_days: int = 365

    @property
    def last(self) -> dt.date:
        """The newest day, which has closed."""
        return FIRST + dt.timedelta(days=self.days - 1)


def make(folder: Path, year: Year, tell: Callable[[str], None]) -> Engine:
    """Fill the engine of a folder, unless it holds such a year already; return where it is."""
    engine = Engine(path=folder / "clickhouse")
    mark = folder / _MARK
    wanted = repr(year)
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return engine
    client = connect(engine)
    try:
        migrate(client, rollups_days=_RETENTION)
        for first, days in _months(year):
            tell(f"{first:%B %Y}")
            _days(client, year, first, days)
            if first + dt.timedelta(days=days) > year.last - dt.timedelta(days=year.hour_days):
                _hours(client, year, first, days)
    finally:
        client.close()
    mark.write_text(wanted, encoding="utf-8")
    return engine


def _months(year: Year) -> Iterator[tuple[dt.date, int]]:
    first = FIRST
    while first <= year.last:
        following = (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
        yield first, min((following - first).days, (year.last - first).days + 1)
        first = following


def _days(client: Client, year: Year, first: dt.date, days: int) -> None:
    times = _times(first, days, 24)
    _traffic(client, year, times, "daily")
    _breakdown(client, year, times, "daily", 1000)
    for across, dimensions in _ACROSS.items():
        for dimension in dimensions:
            _pair(client, year, times, dimension, across)


def _hours(client: Client, year: Year, first: dt.date, days: int) -> None:
    times = _times(first, days, 1)
    _traffic(client, year, times, "hourly")
    _breakdown(client, year, times, "hourly", _AN_HOUR)


def _times(first: dt.date, days: int, hours: int) -> str:
    """Return an array of the starts of windows, ``hours`` apart."""
    count = days * 24 // hours
    return (
        f"arrayMap(n -> toDateTime('{first} 00:00:00', 'UTC') + n * {hours * 3600}, range({count}))"
    )


def _sites(year: Year) -> str:
    named = "concat('site-', toString(number))"
    return f"(SELECT {named} AS site, number AS s FROM numbers({year.sites}))"


def _traffic(client: Client, year: Year, times: str, pace: str) -> None:
    for table, column, values in (
        ("traffic", "audience", "['human', 'bot']"),
        ("segment", "segment", "['view', 'request', 'failed', 'bot']"),
    ):
        client.command(
            f"INSERT INTO analytics.{table}_{pace}_revisions "
            f"(site, window_start, {column}, hits, bytes, visitors, ingest, revision) "
            "SELECT site, w, c, 2000 + cityHash64(s, w, c) % 900, 9000000, 400 + s, 'live', 1 "
            f"FROM {_sites(year)} ARRAY JOIN {times} AS w ARRAY JOIN {values} AS c"
        )


def _breakdown(client: Client, year: Year, times: str, pace: str, most: int) -> None:
    for segment, dimensions in _DIMENSIONS.items():
        for dimension, values in dimensions.items():
            shown = min(values, most)
            client.command(
                f"INSERT INTO analytics.segment_breakdown_{pace}_revisions "
                "(site, window_start, segment, dimension, value, hits, visitors, ingest, revision) "
                f"SELECT site, w, '{segment}', '{dimension}', {_value('v', shown)}, "
                "10 + intDiv(900, v + 1), 10 + intDiv(300, v + 1), 'live', 1 "
                f"FROM {_sites(year)} ARRAY JOIN {times} AS w ARRAY JOIN range({shown}) AS v"
            )


def _value(number: str, shown: int) -> str:
    """Return SQL of a value: the commonest every day, others by turns, and the rest as one."""
    turns = f"if({number} < 10, {number}, {number} + toDayOfYear(w) % 30)"
    last = f"{number} = {shown - 1} AND {shown} > 3"
    return f"if({last}, '(other)', concat('/value/', toString({turns})))"


def _pair(client: Client, year: Year, times: str, dimension: str, across: str) -> None:
    shown = 1 if dimension == "segment" else _DIMENSIONS["view"][dimension]
    value = "'view'" if dimension == "segment" else _value("v", shown)
    others = {
        "role": f"{list(_ROLES)}",
        "visit_length": "['0-10 s', '11-30 s', '31-60 s', '1-3 min', '3-10 min']",
        "device": "['desktop', 'mobile', '(other)']",
        "referrer_kind": "['direct', 'search', 'social', 'internal', '(other)']",
        "next_page": "arrayMap(n -> concat('/value/', toString(n)), range(8))",
        "click_path": "arrayMap(n -> concat('/value/', toString(v), ' > /value/', toString(n)), "
        "range(12))",
    }[across]
    client.command(
        "INSERT INTO analytics.pair_daily_revisions "
        "(site, window_start, segment, dimension, value, across, across_value, hits, visitors, "
        "seconds, ingest, revision) "
        f"SELECT site, w, 'view', '{dimension}', {value}, '{across}', a, "
        "10 + intDiv(200, v + 1), 10 + intDiv(90, v + 1), if(a = 'entry', 900, 0), 'live', 1 "
        f"FROM {_sites(year)} ARRAY JOIN {times} AS w ARRAY JOIN range({shown}) AS v "
        f"ARRAY JOIN {others} AS a"
    )
