"""A site's days as far as they were released: metric → day → number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.clickhouse.queries import QueryFn, Row
from pipeline.clickhouse.sql import literal
from pipeline.labels import WIDGET_SUFFIX

Days = Mapping[dt.date, int]
"""Day → number. A day that is missing is not shown; it is not 0."""

_SITES: Final = "SELECT DISTINCT site FROM analytics.traffic_daily ORDER BY site"
_CLOSED: Final = "SELECT toString(max(window_start)) AS day FROM analytics.traffic_daily WHERE {}"
_TRAFFIC: Final = (
    "SELECT toString(toDate(window_start)) AS day, audience AS what, hits, visitors "
    "FROM analytics.traffic_daily WHERE {}"
)
_SEGMENTS: Final = (
    "SELECT toString(toDate(window_start)) AS day, segment AS what, hits, visitors "
    "FROM analytics.segment_daily WHERE {}"
)
_ROLES: Final = (
    "SELECT toString(toDate(window_start)) AS day, across_value AS what, sum(hits) AS hits, "
    "sum(visitors) AS visitors FROM analytics.pair_daily WHERE {} AND segment = 'view' "
    "AND dimension = 'segment' AND across = 'role' GROUP BY day, what"
)


@dataclass(frozen=True, slots=True)
class Series:
    """A site's days.

    ``asked`` are all requests of people's clients; ``visits`` and ``bounces`` are there for days
    alone whose visits are known, all of them.
    """

    page_views: Days
    visitors: Days
    visits: Days
    bounces: Days
    asked: Days
    failed: Days
    bots: Days


def sites(query: QueryFn) -> tuple[str, ...]:
    """Return the sites that have released a day, without those of widgets; raises as ``query``."""
    found = (str(row["site"]) for row in query(_SITES))
    return tuple(site for site in found if not site.endswith(WIDGET_SUFFIX))


def newest(query: QueryFn, site: str) -> dt.date | None:
    """Return the newest day of a site that has closed, as far as its numbers tell."""
    (row,) = query(_CLOSED.format(f"site = {literal(site)} HAVING count() > 0")) or [{"day": ""}]
    return dt.date.fromisoformat(str(row["day"])[:10]) if row["day"] else None


def read(query: QueryFn, site: str, first: dt.date, last: dt.date) -> Series:
    """Return the days from ``first`` to ``last``, both included; raises as ``query`` does."""
    where = within(site, first, last)
    traffic, segments = _of(query(_TRAFFIC.format(where))), _of(query(_SEGMENTS.format(where)))
    roles = _of(query(_ROLES.format(where)))
    known = _known(roles)
    bounces = {day: roles.get((day, "bounce"), (0, 0))[0] for day in known}
    entries = {day: roles.get((day, "entry"), (0, 0))[0] for day in known}
    return Series(
        page_views=_one(segments, "view", 0),
        visitors=_one(segments, "view", 1),
        visits={day: bounces[day] + entries[day] for day in known},
        bounces=bounces,
        asked=_one(traffic, "human", 0),
        failed=_one(segments, "failed", 0),
        bots=_one(traffic, "bot", 0),
    )


def within(site: str, first: dt.date, last: dt.date) -> str:
    """Return the condition that chooses a site's days, both ends included."""
    return (
        f"site = {literal(site)} AND window_start >= toDateTime('{first} 00:00:00', 'UTC') "
        f"AND window_start <= toDateTime('{last} 00:00:00', 'UTC')"
    )


_Numbers = dict[tuple[dt.date, str], tuple[int, int]]


def _of(rows: list[Row]) -> _Numbers:
    return {
        (dt.date.fromisoformat(str(row["day"])), str(row["what"])): (
            int(str(row["hits"])),
            int(str(row["visitors"])),
        )
        for row in rows
    }


def _one(numbers: _Numbers, what: str, which: int) -> Days:
    return {day: pair[which] for (day, name), pair in numbers.items() if name == what}


def _known(roles: _Numbers) -> set[dt.date]:
    """Return the days that show their bounces and entries, or hide nothing."""
    shown: dict[dt.date, set[str]] = {}
    for day, role in roles:
        shown.setdefault(day, set()).add(role)
    return {
        day
        for day, found in shown.items()
        if {"bounce", "entry"} <= found or "(other)" not in found
    }
