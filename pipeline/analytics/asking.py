"""Puts a question to the tables and gives its answer."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.analytics import compiling, notes, series, words
from pipeline.analytics.answer import Answer, Line
from pipeline.analytics.compiling import Span
from pipeline.analytics.judging import Horizon, Window, cells
from pipeline.analytics.parts import Part, parts
from pipeline.analytics.query import Query
from pipeline.analytics.ranges import Days, days
from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock
from pipeline.errors import UsageError

Row = dict[str, Any]
_CLOSED_AFTER: Final = dt.timedelta(hours=48)
"""By then every day has closed and released what it may: lateness and hold are within it."""
_TOKEN: Final = re.compile(r"([0-9]{1,9})\.([0-9a-f]{18})", re.ASCII)


def ask(
    run: QueryFn, query: Query, *, clock: Clock, k: int, retention_days: int
) -> Answer:
    """Answer ``query`` by asking ``run``.

    ``k`` is the one in force, ``retention_days`` how long the tables keep a row. Raises UsageError
    where the words do not go together, and as ``run`` does.
    """
    return _Asking(run, query, clock, k, retention_days).answer()


@dataclass(frozen=True, slots=True)
class _Period:
    """A range of days with what was found for it: rows by their values, and totals."""

    days: Days
    lines: list[Line]
    totals: Line
    facts: Row
    more: bool


class _Asking:
    def __init__(
        self, run: QueryFn, query: Query, clock: Clock, k: int, retention_days: int
    ) -> None:
        self._run = run
        self._query = query
        self._k = k
        self._now = clock()
        self._parts = parts(query)
        self._timed = bool(query.dimensions) and query.dimensions == query.times
        if query.compare and query.times and not self._timed:
            raise UsageError("compare: a time beside another dimension is not compared; leave one")
        self._reach = self._known()
        self._horizon = self._look(retention_days)

    def _known(self) -> Row:
        [row] = self._run(compiling.known(self._query.site))
        return dict(row)

    def _look(self, retention_days: int) -> Horizon:
        newest = _day(self._reach["newest_day"])
        quiet = (self._now - _CLOSED_AFTER).date()
        return Horizon(
            kept_from=self._now.date() - dt.timedelta(days=retention_days),
            open_from=max(newest + dt.timedelta(days=1), quiet) if newest else quiet,
            last_hour=str(self._reach["last_hour"]),
        )

    def answer(self) -> Answer:
        query, today = self._query, self._now.date()
        begun = [d for d in map(_day, (self._reach["first_day"], self._reach["first_hour"])) if d]
        ended = [d for d in map(_day, (self._reach["last_day"], self._reach["last_hour"])) if d]
        asked = days(query.date_range, today, min(begun, default=None))
        if query.date_range == "all" and ended:
            asked = Days(asked.first, min(max(ended), today))
        series.check(query, asked)
        offset = self._offset(asked)
        found = self._period(asked, offset, None)
        lines, before = found.lines, None
        totals = found.totals
        if query.compare:
            before = self._period(asked.before(), 0, [line.dimensions for line in lines])
            lines = self._compared(lines, before)
            totals = Line((), totals.cells, before.totals.cells)
        following = (
            _token(offset + query.limit, query.digest(asked)) if found.more else None
        )
        bare = Answer(
            query.site, asked, query.dimensions, query.metrics, tuple(lines), totals, following,
            (), self._k, before.days if before else None,
        )  # fmt: skip
        told = notes.of(bare, query, self._parts, found.facts, self._horizon)
        return Answer(
            query.site, asked, query.dimensions, query.metrics, tuple(lines), totals, following,
            told, self._k, before.days if before else None,
        )  # fmt: skip

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

    def _period(
        self, asked: Days, offset: int, only: Sequence[tuple[str, ...]] | None
    ) -> _Period:
        query, span = self._query, Span(asked, self._horizon.open_from)
        whole = Window(asked.each())
        [facts] = self._run(compiling.facts(query, self._parts, span, by_time=False))
        picked = any(part.chosen for part in self._parts)
        totals = Line((), self._cells(facts, facts, whole, picked=picked))
        if not query.dimensions:
            return _Period(asked, [totals], totals, facts, more=False)
        if self._timed:
            rows = self._run(compiling.facts(query, self._parts, span, by_time=True))
            by_key = {str(row["k0"]): dict(row) for row in rows}
            lines = [
                Line(
                    (key,),
                    self._cells(by_key.get(key, {}), by_key.get(key, {}), window, picked=picked),
                )
                for key, window in series.windows(query.times[0], asked)
            ]
            if query.order and query.order[0] == (query.times[0], True):
                lines.reverse()
            return _Period(asked, lines, totals, facts, more=False)
        if only is not None and not only:
            return _Period(asked, [], totals, facts, more=False)
        rows = self._run(compiling.rows(query, self._parts, span, offset, only))
        more = len(rows) > query.limit and only is None
        shown = rows if only is not None else rows[: query.limit]
        lines = [self._line(dict(row), facts, whole) for row in shown]
        if not more and offset == 0 and only is None:
            lines += self._missing(lines, facts, whole)
        return _Period(asked, lines, totals, facts, more)

    def _line(self, row: Row, facts: Row, whole: Window) -> Line:
        keys = tuple(str(row[f"k{number}"]) for number in range(len(self._query.dimensions)))
        return Line(keys, self._cells(row, facts, whole, picked=True))

    def _missing(self, lines: list[Line], facts: Row, whole: Window) -> list[Line]:
        """Return a row for each value that was asked for by name and has none."""
        query = self._query
        if len(query.dimensions) != 1 or len(query.filters) != 1:
            return []
        [one] = query.filters
        if one.operator != "is" or one.dimension != query.dimensions[0]:
            return []
        there = {line.dimensions[0] for line in lines}
        return [
            Line((value,), self._cells({}, facts, whole, picked=True))
            for value in one.values
            if value not in there
        ]

    def _cells(self, row: Row, facts: Row, window: Window, *, picked: bool) -> tuple[Any, ...]:
        return cells(
            self._query, self._parts, row, facts, window, self._horizon, picked=picked
        )

    def _compared(self, lines: list[Line], before: _Period) -> list[Line]:
        if self._timed:
            pairs = zip(lines, before.lines, strict=False)
            found = [Line(now.dimensions, now.cells, then.cells) for now, then in pairs]
            return [*found, *lines[len(found) :]]
        then = {line.dimensions: line.cells for line in before.lines}
        whole = Window(before.days.each())
        absent = self._cells({}, before.facts, whole, picked=True)
        return [
            Line(line.dimensions, line.cells, then.get(line.dimensions, absent)) for line in lines
        ]


def _day(text: object) -> dt.date | None:
    """Return the day of a moment; the engine's least of no rows is the beginning of 1970."""
    found = dt.date.fromisoformat(str(text)[:10]) if text else None
    return found if found and found > dt.date(1970, 1, 1) else None


def _token(offset: int, digest: str) -> str:
    return base64.urlsafe_b64encode(f"{offset}.{digest}".encode()).decode()
