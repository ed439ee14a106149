"""The last half hour of a site, in steps of minutes; and why the rest of it is not told.

Each segment and class of status has steps of its own (docs/release.md, rule M), so nothing here is
added up over them. What no step tells is ``not_yet_closed`` while its hour goes on; when the hour
is over no more steps come of it: then it is ``withheld`` here, and told by the hour.

All times are by the site's clock. When it goes back an hour, the minutes that it shows anew are not
told: the steps of an hour are those of the first time that it was shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.analytics import step_times, words
from pipeline.analytics.step_times import Ranges
from pipeline.clickhouse.queries import QueryFn
from pipeline.clickhouse.sql import literal
from pipeline.zones import ALL_UTC, Zones, reading
from pipeline.zones import clock as clock_in

NAME: Final = "live"
ABOUT: Final = "the last 30 minutes, in steps that k visitors are in, and k others after"
SPAN: Final = dt.timedelta(minutes=30)
_HOUR: Final = dt.timedelta(hours=1)
_MINUTE: Final = dt.timedelta(minutes=1)
_LATELY: Final = 7200
"""Seconds in which a clock that goes back confuses a half hour."""
USUAL: Final = (("view", "2xx"), ("failed", "4xx"), ("failed", "5xx"))
"""What of a site is spoken of also where there is no step of it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Minutes of a category, ``begin`` until before ``end``; numbers where ``state`` is ``value``.

    With k = 1 a minute in which nobody came is ``zero``.
    """

    segment: str
    status_class: str
    begin: dt.datetime
    end: dt.datetime
    state: str
    visitors: int | None = None
    hits: int | None = None
    bytes: int | None = None
    times: Ranges = field(default_factory=dict)
    """How long the answers took; empty where that is not told."""

    @property
    def minutes(self) -> int:
        """How many minutes it spans."""
        return (self.end - self.begin) // _MINUTE

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "from": _written(self.begin),
            "to": _written(self.end),
            "segment": self.segment,
            "status_class": self.status_class,
            "state": self.state,
            "visitors": self.visitors,
            "hits": self.hits,
            "bytes": self.bytes,
            "response_times": dict(self.times),
            **step_times.columns(self.times),
        }


@dataclass(frozen=True, slots=True)
class Live:
    """The stretches of each category in order, from ``begin`` to ``end``, without a gap.

    The first may have begun earlier: a step is told whole.
    """

    site: str
    begin: dt.datetime
    end: dt.datetime
    k: int
    zone: str
    stretches: tuple[Stretch, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "site": self.site,
            "from": _written(self.begin),
            "to": _written(self.end),
            "zone": self.zone,
            "steps": [one.document() for one in self.stretches],
            "k": self.k,
        }

    @property
    def told(self) -> bool:
        """Tell whether there is any number."""
        return any(one.state == words.VALUE for one in self.stretches)


def live(run: QueryFn, site: str, *, now: dt.datetime, k: int, zones: Zones = ALL_UTC) -> Live:
    """Return the half hour before ``now`` (UTC) by the site's clock; raises as ``run`` does."""
    zone = zones.of(site)
    end = clock_in(lambda: now, zone)().replace(second=0, microsecond=0)
    begin = end - SPAN
    earliest = begin.replace(minute=0)
    where = (
        f"WHERE site = {literal(site)} AND window_start >= '{earliest:%Y-%m-%d %H:%M:%S}' "
        f"AND window_start < '{end:%Y-%m-%d %H:%M:%S}'"
    )
    rows = run(
        "SELECT segment, status_class, toUnixTimestamp(window_start) AS start, minutes, "  # noqa: S608 -- the site as a literal
        "hits, bytes, visitors, ranges, counts "
        f"FROM (SELECT * FROM analytics.health_minute {where}) AS s "
        "LEFT JOIN (SELECT window_start, segment, status_class, "
        "groupArray(response_time) AS ranges, groupArray(hits) AS counts "
        f"FROM analytics.response_time_minute {where} "
        "GROUP BY window_start, segment, status_class) AS t "
        "USING (window_start, segment, status_class) ORDER BY start"
    )
    steps = _of_now([_step(row) for row in rows], int(now.timestamp()), zone)
    newest = max((one.begin for one in steps), default=None)
    of: dict[tuple[str, str], list[Stretch]] = {category: [] for category in USUAL}
    for one in steps:
        of.setdefault((one.segment, one.status_class), []).append(one)
    found = [
        stretch
        for category in sorted(of, key=lambda c: (words.SEGMENTS.index(c[0]), c[1]))
        for stretch in _whole(category, of[category], begin, end, newest)
    ]
    return Live(site, begin, end, k, zone, tuple(found))


def _of_now(steps: list[Stretch], now: int, zone: str) -> list[Stretch]:
    """Leave out what was shown before the clock went back, and seems to be of now."""
    shown = reading(now, zone)
    back = reading(now - _LATELY, zone) + _LATELY - shown
    if back <= 0:
        return steps

    def is_older(one: Stretch) -> bool:
        at = int(one.begin.timestamp())
        return reading(now - (shown - at) - back, zone) == at

    return [one for one in steps if not is_older(one)]


def _step(row: Any) -> Stretch:  # noqa: ANN401 -- a row of JSON
    begin = dt.datetime.fromtimestamp(int(row["start"]), dt.UTC)
    return Stretch(
        str(row["segment"]),
        str(row["status_class"]),
        begin,
        begin + int(row["minutes"]) * _MINUTE,
        words.VALUE,
        int(row["visitors"]),
        int(row["hits"]),
        int(row["bytes"]),
        step_times.ranges(row["ranges"], row["counts"]),
    )


def _whole(
    category: tuple[str, str],
    steps: Sequence[Stretch],
    begin: dt.datetime,
    end: dt.datetime,
    newest: dt.datetime | None,
) -> Iterator[Stretch]:
    """Yield a category's steps from ``begin`` on, and between them what they leave out."""
    at = begin
    for one in steps:
        if one.end > begin:
            yield from _untold(category, at, one.begin, newest, before=one.begin)
            yield one
            at = one.end
    yield from _untold(category, at, end, newest, before=None)


def _untold(
    category: tuple[str, str],
    at: dt.datetime,
    end: dt.datetime,
    newest: dt.datetime | None,
    *,
    before: dt.datetime | None,
) -> Iterator[Stretch]:
    """Yield what no step tells, by the hour. ``before``: where the next step begins."""
    while at < end:
        over = at.replace(minute=0) + _HOUR
        upto = min(over, end)
        if before is not None and before < over:
            # Steps of an hour leave nothing between them: nobody came.
            yield Stretch(*category, at, upto, words.ZERO, 0, 0, 0)
        else:
            # Minutes pass in order: where a later hour has a step, no more comes of this one.
            passed = newest is not None and newest >= over
            yield Stretch(*category, at, upto, words.WITHHELD if passed else words.NOT_YET_CLOSED)
        at = upto


def _written(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
