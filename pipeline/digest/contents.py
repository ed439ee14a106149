"""The digest of a site's week, beside the week before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.clickhouse.queries import QueryFn
from pipeline.digest.alerts import PAST, Alert, judged
from pipeline.digest.series import Days, Series, read, within
from pipeline.digest.weeks import DAYS, Week
from pipeline.zones import UTC

LISTED: Final = 10

_CELLS: Final = (
    "SELECT value, sum(hits) AS number FROM analytics.segment_breakdown_daily WHERE {where} "
    "AND segment = '{segment}' AND dimension = '{dimension}' AND value != '(other)' "
    "GROUP BY value ORDER BY number DESC, value LIMIT {limit}"
)
_SOURCES: Final = (
    "SELECT value, sum(hits) AS number FROM analytics.pair_daily WHERE {where} "
    "AND segment = 'view' AND dimension = 'referrer' AND value != '(other)' AND across = 'role' "
    "AND across_value IN ('bounce', 'entry') GROUP BY value ORDER BY number DESC, value "
    "LIMIT {limit}"
)

Kind = Literal["count", "share"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a week: ``value`` over the ``days`` that show it, None where none does.

    ``now`` and ``before`` are the two weeks on the ``both`` weekdays that are shown in both.
    """

    name: str
    kind: Kind
    value: float | None
    days: int
    now: float | None
    before: float | None
    both: int


Listed = tuple[tuple[str, int], ...]
"""Values and their numbers, largest first; at least so many, since days may hide some."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A site's week. ``lacking``: what k lacks of what the policy promises, None where nothing.

    ``zone`` is the one (IANA) by whose clock its days are.
    """

    site: str
    week: Week
    k: int
    lacking: str | None
    zone: str
    numbers: tuple[Number, ...]
    pages: Listed
    sources: Listed
    failed: Listed
    alerts: tuple[Alert, ...]

    @property
    def shown(self) -> bool:
        """Whether anything of the week is shown."""
        return any(number.value is not None for number in self.numbers)


def digest(
    query: QueryFn, site: str, week: Week, k: int, lacking: str | None, zone: str = UTC
) -> Digest:
    """Return a site's week; raises as ``query`` does."""
    series = read(query, site, week.first - PAST, week.last)
    where = within(site, week.first, week.last)
    found = [alert for day in week.days for alert in judged(site, day, series, k)]
    return Digest(
        site, week, k, lacking, zone, _numbers(series, week),
        pages=_listed(query, _CELLS, where, segment="view", dimension="page"),
        sources=_listed(query, _SOURCES, where),
        failed=_listed(query, _CELLS, where, segment="failed", dimension="page"),
        alerts=tuple(found),
    )  # fmt: skip


def _listed(query: QueryFn, sql: str, where: str, **words: str) -> Listed:
    rows = query(sql.format(where=where, limit=LISTED, **words))
    return tuple((str(row["value"]), int(str(row["number"]))) for row in rows)


def _numbers(series: Series, week: Week) -> tuple[Number, ...]:
    return (
        _count("page views", series.page_views, week),
        _count("visits", series.visits, week),
        _count("visitor-days", series.visitors, week),
        _share("bounce rate", series.bounces, series.visits, week),
        _share("failed share of requests", series.failed, series.asked, week),
        _count("requests of bots", series.bots, week),
    )


def _count(name: str, days: Days, week: Week) -> Number:
    def total(over: list[dt.date]) -> float | None:
        return sum(days[day] for day in over) if over else None

    return _number(name, "count", days, week, total)


def _share(name: str, parts: Days, wholes: Days, week: Week) -> Number:
    known: Mapping[dt.date, int] = {day: n for day, n in parts.items() if wholes.get(day)}

    def total(over: list[dt.date]) -> float | None:
        return sum(known[day] for day in over) / sum(wholes[day] for day in over) if over else None

    return _number(name, "share", known, week, total)


def _number(
    name: str, kind: Kind, days: Days, week: Week, total: Callable[[list[dt.date]], float | None]
) -> Number:
    shown = [day for day in week.days if day in days]
    both = [day for day in shown if day - dt.timedelta(days=DAYS) in days]
    earlier = [day - dt.timedelta(days=DAYS) for day in both]
    return Number(name, kind, total(shown), len(shown), total(both), total(earlier), len(both))
