"""Adds the released rows up into what is drawn: days with their hours, and lists of the top values.

Both faces, terminal and page, draw these, so that they cannot tell different numbers.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pipeline.report.model import Report
from pipeline.rows import OTHER

TITLES: Final[dict[str, str]] = {
    "goal": "Goals",
    "page": "Pages",
    "referrer": "Referrers",
    "referrer_kind": "Referrer kinds",
    "campaign": "Campaigns",
    "browser": "Browsers",
    "system": "Systems",
    "device": "Devices",
    "bot": "Kinds of bots",
    "suspicion": "Suspicions",
    "country": "Countries",
    "place": "Regions and cities",
    "provider": "Providers",
    "status": "Statuses",
    "came_from": "Where failures came from",
    "method": "Methods",
    "response_time": "Response times",
    "event": "Events",
    "detail": "Details",
    "locale": "Languages",
    "screen": "Screens",
    "widget_version": "Widget versions",
}
"""Dimension of ``events.DIMENSIONS`` → heading, in the order in which they are shown."""

UNKNOWN: Final = "(unknown)"
_SILENT: Final = frozenset({"(none)", "request"})
HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Day:
    """Released traffic of a day; ``human_hours`` and ``bot_hours`` are hits of its 24 hours.

    An hour is None where nothing was released for it.
    """

    date: dt.date
    human_hits: int
    human_visitors: int
    bot_hits: int
    bot_visitors: int
    bytes: int
    human_hours: tuple[int | None, ...]
    bot_hours: tuple[int | None, ...]

    @property
    def hits(self) -> int:
        """Hits of humans and bots."""
        return self.human_hits + self.bot_hits

    @property
    def hours(self) -> tuple[int | None, ...]:
        """Hits of humans and bots in each hour; None where neither was released."""
        pairs = zip(self.human_hours, self.bot_hours, strict=True)
        return tuple(None if h is None and b is None else (h or 0) + (b or 0) for h, b in pairs)


@dataclass(frozen=True, slots=True)
class Line:
    """A value over all days. ``visitor_days`` adds up the distinct visitors of each day."""

    value: str
    hits: int
    visitor_days: int
    share: float


@dataclass(frozen=True, slots=True)
class Top:
    """The values of a dimension, most hits first and ``(other)`` last; ``more`` were left out."""

    dimension: str
    lines: tuple[Line, ...]
    more: int

    @property
    def title(self) -> str:
        """Heading of the list."""
        return TITLES.get(self.dimension, self.dimension)

    @property
    def most(self) -> int:
        """Hits of the largest value; ``(other)`` is many values and no measure for the rest."""
        return max((line.hits for line in self.lines if line.value != OTHER), default=0)

    @property
    def unknown(self) -> bool:
        """True where no value is known, as without an address database."""
        return self._nothing_but({UNKNOWN})

    @property
    def silent(self) -> bool:
        """True where there was nothing to know, as of widgets in a web server's lines."""
        return self._nothing_but(_SILENT)

    def _nothing_but(self, values: AbstractSet[str]) -> bool:
        named = {line.value for line in self.lines} - {OTHER}
        return bool(named) and named <= values


@dataclass(frozen=True, slots=True)
class Site:
    """What is shown of a site."""

    name: str
    days: tuple[Day, ...]
    tops: tuple[Top, ...]

    @property
    def folded(self) -> bool:
        """True where some value was counted under ``(other)``."""
        return any(line.value == OTHER for top in self.tops for line in top.lines)


def sites(report: Report, *, top: int) -> tuple[Site, ...]:
    """Return the sites of ``report`` by name, each list cut to ``top`` values and ``(other)``."""
    return tuple(
        Site(name=name, days=_days(report, name), tops=_tops(report, name, top))
        for name in report.sites
    )


def status_phrase(value: str) -> str:
    """Return the status with its phrase, as in ``404 Not Found``."""
    try:
        return f"{value} {HTTPStatus(int(value)).phrase}"
    except ValueError:
        return value


def _days(report: Report, site: str) -> tuple[Day, ...]:
    totals: defaultdict[dt.date, dict[str, tuple[int, int, int]]] = defaultdict(dict)
    for row in report.traffic_daily:
        if row.site == site:
            totals[row.start.date()][row.audience] = (row.hits, row.visitors, row.bytes)
    hours: dict[tuple[dt.date, str], list[int | None]] = {}
    for row in report.traffic_hourly:
        if row.site == site:
            key = (row.start.date(), row.audience)
            hours.setdefault(key, [None] * HOURS)[row.start.hour] = row.hits
    nothing = (0, 0, 0)
    found = []
    for date in sorted(set(totals) | {date for date, _ in hours}):
        human = totals[date].get("human", nothing)
        bot = totals[date].get("bot", nothing)
        found.append(
            Day(
                date=date,
                human_hits=human[0],
                human_visitors=human[1],
                bot_hits=bot[0],
                bot_visitors=bot[1],
                bytes=human[2] + bot[2],
                human_hours=tuple(hours.get((date, "human"), [None] * HOURS)),
                bot_hours=tuple(hours.get((date, "bot"), [None] * HOURS)),
            )
        )
    return tuple(found)


def _tops(report: Report, site: str, top: int) -> tuple[Top, ...]:
    sums: defaultdict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in report.breakdown_daily:
        if row.site == site:
            hits, visitors = sums[row.dimension].get(row.value, (0, 0))
            sums[row.dimension][row.value] = (hits + row.hits, visitors + row.visitors)
    known = [name for name in TITLES if name in sums]
    return tuple(_top(name, sums[name], top) for name in (*known, *sorted(set(sums) - set(TITLES))))


def _top(dimension: str, values: dict[str, tuple[int, int]], top: int) -> Top:
    total = sum(hits for hits, _ in values.values()) or 1
    ordered = sorted(values, key=lambda value: (value == OTHER, -values[value][0], value))
    named = [value for value in ordered if value != OTHER]
    shown = named[:top] + ordered[len(named) :]
    lines = tuple(
        Line(value, values[value][0], values[value][1], values[value][0] / total) for value in shown
    )
    return Top(dimension, lines, more=len(named) - len(named[:top]))
