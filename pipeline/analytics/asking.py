"""Puts a question to the tables and gives its answer."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.analytics import compiling, notes, series, words
from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.analytics.compiling import Span
from pipeline.analytics.judging import Horizon, Window, cells
from pipeline.analytics.part import Part
from pipeline.analytics.parts import of_rows, of_totals
from pipeline.analytics.query import Query
from pipeline.analytics.ranges import Days, days
from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock
from pipeline.errors import UsageError
from pipeline.policy import Crossings
from pipeline.zones import ALL_UTC, Zones
from pipeline.zones import clock as clock_in

Row = dict[str, Any]
_CLOSED_AFTER: Final = dt.timedelta(hours=48)
"""By then every day has closed and released what it may: lateness and hold are within it."""
_TOKEN: Final = re.compile(r"([0-9]{1,9})\.([0-9a-f]{18})", re.ASCII)


def ask(
    run: QueryFn,
    query: Query,
    *,
    clock: Clock,
    k: int,
    retention_days: int,
    crossings: Crossings = words.CROSSINGS,
    zones: Zones = ALL_UTC,
) -> Answer:
    """Answer ``query`` by asking ``run``.

    ``k`` is the one in force, ``retention_days`` how long the tables keep a row, ``crossings`` what
    is released together, ``zones`` those of the sites: today is the one of the site. Raises
    UsageError where the words do not go together, and as ``run`` does.
    """
    return _Asking(run, query, clock, k, retention_days, crossings, zones).answer()


@dataclass(slots=True)
class _Period:
    """A range of days with what was found for it. ``folded``: ``(other)`` may hold more of it."""

    days: Days
    lines: list[Line]
    totals: tuple[Cell, ...]
    folded: bool
    more: bool = False


class _Asking:
    def __init__(
        self,
        run: QueryFn,
        query: Query,
        clock: Clock,
        k: int,
        retention_days: int,
        crossings: Crossings,
        zones: Zones,
    ) -> None:
        self._run = run
        self._query = query
        self._k = k
        self._zones = zones
        self._zone = zones.of(query.site)
        self._now = clock_in(clock, self._zone)()
        self._parts = of_rows(query, crossings)
        self._of_totals = of_totals(query, crossings)
        self._timed = bool(query.dimensions) and query.dimensions == query.times
        if query.compare and query.times and not self._timed:
            raise UsageError("compare: a time beside another dimension is not compared; leave one")
        self._reach = self._known()
        self._horizon = self._look(retention_days)

    def _known(self) -> Row:
        [row] = self._run(compiling.known(self._query.site, self._zones))
        return dict(row)

    def _look(self, retention_days: int) -> Horizon:
        newest = _day(self._reach["newest_day"])
        quiet = (self._now - _CLOSED_AFTER).date()
        return Horizon(
            kept_from=self._now.date() - dt.timedelta(days=retention_days),
            open_from=max(newest + dt.timedelta(days=1), quiet) if newest else quiet,
            last_hour=str(self._reach["last_hour"]),
            now=f"{self._now:%Y-%m-%d %H}:00:00",
        )

    def answer(self) -> Answer:
        """Return the answer, with the notes that belong to it."""
        query = self._query
        asked = self._days()
        series.check(query, asked)
        offset = self._offset(asked)
        found = self._period(asked, offset, None)
        lines, before = found.lines, None
        if query.compare:
            before = self._period(asked.before(), 0, [line.dimensions for line in lines])
            lines = self._compared(found, before)
        totals = Line((), found.totals, before.totals if before else None)
        bare = Answer(
            site=query.site,
            days=asked,
            dimensions=query.named(query.dimensions),
            metrics=query.named(query.metrics),
            lines=tuple(lines),
            totals=totals,
            next=_token(offset + query.limit, query.digest(asked)) if found.more else None,
            notes=(),
            k=self._k,
            zone=self._zone,
            before=before.days if before else None,
        )
        told = notes.of(bare, query, self._parts, found.folded, self._horizon)
        return replace(bare, notes=(*self._elsewhen(asked), *told))

    def _elsewhen(self, asked: Days) -> list[str]:
        """Return what is to be said where there is nothing of the site in the days asked for."""
        begun = self._begun()
        if not begun:
            return [notes.NO_SITE]
        first, last = min(begun), max(self._ended())
        outside = asked.last < first or asked.first > last
        return [notes.ELSEWHEN.format(first=first, last=last)] if outside else []

    def _begun(self) -> list[dt.date]:
        """Return the first days that there are; none where nothing was released of the site."""
        return [d for d in map(_day, (self._reach["first_day"], self._reach["first_hour"])) if d]

    def _ended(self) -> list[dt.date]:
        """Return the last days that there are, likewise."""
        return [d for d in map(_day, (self._reach["last_day"], self._reach["last_hour"])) if d]

    def _days(self) -> Days:
        today = self._now.date()
        begun = self._begun()
        ended = self._ended()
        asked = days(self._query.date_range, today, min(begun, default=None))
        if self._query.date_range == "all" and ended:
            return Days(asked.first, min(max(ended), today))
        return asked

    def _offset(self, asked: Days) -> int:
        after = self._query.after
        if after is None:
            return 0
        try:
            match = _TOKEN.fullmatch(base64.urlsafe_b64decode(after.encode()).decode())
        except (binascii.Error, UnicodeError):
            match = None
        if match is None or match[2] != self._query.digest(asked):
            raise UsageError("after: this is no page of this question; leave it out to begin again")
        return int(match[1])

    def _period(self, asked: Days, offset: int, only: Sequence[tuple[str, ...]] | None) -> _Period:
        """Ask for the rows and totals of some days; ``only`` of these values, else of a page."""
        query, span = self._query, Span(asked, self._horizon.open_from)
        whole = Window(asked.each())
        sums = self._facts(self._of_totals, span)
        totals = self._cells(self._of_totals, sums, sums, whole, picked=_picked(self._of_totals))
        found = _Period(asked, [], totals, folded=_folded(self._of_totals, sums))
        if not query.dimensions:
            found.lines.append(Line((), totals))
        elif self._timed:
            found.lines.extend(self._series(span))
        elif only is None or only:
            self._list(found, span, offset, only)
        return found

    def _facts(self, found: tuple[Part, ...], span: Span) -> Row:
        """Return the sums of all of a range, with what its empty cells are judged by."""
        if not found:
            return {}
        [row] = self._run(compiling.facts(self._query, found, span, by_time=False))
        return row

    def _series(self, span: Span) -> list[Line]:
        """Return a line for each window of the range, also where there is nothing for it."""
        query = self._query
        rows = self._run(compiling.facts(query, self._parts, span, by_time=True))
        by_key = {str(row["k0"]): dict(row) for row in rows}
        picked = _picked(self._parts)
        lines = []
        for key, window in series.windows(query.times[0], span.days):
            row = by_key.get(key, {})
            cells = self._cells(self._parts, row, row, window, picked=picked)
            lines.append(Line((key,), cells))
        down = bool(query.order) and query.order[0] == (query.times[0], True)
        return lines[::-1] if down else lines

    def _list(
        self, found: _Period, span: Span, offset: int, only: Sequence[tuple[str, ...]] | None
    ) -> None:
        """Put the rows of a page into ``found``, and what is known of values without a row."""
        query, whole = self._query, Window(found.days.each())
        rows = self._run(compiling.rows(query, self._parts, span, offset, only))
        found.more = only is None and len(rows) > query.limit
        rows = rows if only is not None else rows[: query.limit]
        facts: Row = {}
        lines = [self._line(row, facts, whole) for row in rows]
        there = {line.dimensions for line in lines}
        asked_for = self._asked_for() if only is None and not found.more and not offset else only
        missing = [values for values in asked_for or () if values not in there]
        if missing or _picked(self._parts) or any(_gap(line) for line in lines):
            facts = self._facts(self._parts, span)
            lines = [self._line(row, facts, whole) for row in rows]
            found.folded = _folded(self._parts, facts)
        nothing = self._cells(self._parts, {}, facts, whole, picked=True)
        found.lines.extend([*lines, *(Line(values, nothing) for values in missing)])

    def _line(self, row: Row, facts: Row, whole: Window) -> Line:
        keys = tuple(str(row[f"k{number}"]) for number in range(len(self._query.dimensions)))
        return Line(keys, self._cells(self._parts, row, facts, whole, picked=True))

    def _asked_for(self) -> list[tuple[str, ...]]:
        """Return the values of the only dimension that were asked for by name."""
        query = self._query
        if len(query.dimensions) != 1 or len(query.filters) != 1:
            return []
        [one] = query.filters
        if one.operator != "is" or one.dimension != query.dimensions[0]:
            return []
        return [(value,) for value in one.values]

    def _cells(
        self, found: tuple[Part, ...], row: Row, facts: Row, window: Window, *, picked: bool
    ) -> tuple[Cell, ...]:
        return cells(self._query, found, row, facts, window, self._horizon, picked=picked)

    def _compared(self, found: _Period, before: _Period) -> list[Line]:
        """Return lines with the cells of the period before: by place in time, or by value."""
        then = {line.dimensions: line.cells for line in before.lines}
        if self._timed:
            pairs = zip(found.lines, before.lines, strict=False)
            then = {now.dimensions: earlier.cells for now, earlier in pairs}
        unknown = (Cell(None, words.WITHHELD),) * len(self._query.metrics)
        return [replace(line, compare=then.get(line.dimensions, unknown)) for line in found.lines]


def _picked(found: tuple[Part, ...]) -> bool:
    return any(part.chosen for part in found)


def _folded(found: tuple[Part, ...], facts: Row) -> bool:
    return any(int(facts.get(f"{part.name}_folded") or 0) for part in found)


def _gap(line: Line) -> bool:
    return any(cell.state == words.WITHHELD for cell in line.cells)


def _day(text: object) -> dt.date | None:
    """Return the day of a moment; the engine's least of no rows is the beginning of 1970."""
    found = dt.date.fromisoformat(str(text)[:10]) if text else None
    return found if found and found > dt.date(1970, 1, 1) else None


def _token(offset: int, digest: str) -> str:
    return base64.urlsafe_b64encode(f"{offset}.{digest}".encode()).decode()
