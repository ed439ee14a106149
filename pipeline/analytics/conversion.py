"""The rate of conversion: a goal's visitors by all that view pages, on days when both are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.analytics import words
from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.analytics.compiling import ENOUGH
from pipeline.analytics.query import MOST_ROWS, Filter, Query
from pipeline.analytics.ranges import Days
from pipeline.errors import UsageError

_DAY: Final = "time:day"
WITHHELD: Final = Cell(None, words.WITHHELD)
_DIGITS: Final = 4
Plain = Callable[[Query], Answer]
"""Answers a question in which no rate and no event stands for a goal."""


def check(query: Query) -> None:
    """Raise UsageError unless the rate can be told of what is asked."""
    one = [f for f in query.filters if f.dimension == words.GOAL and f.operator == "is"]
    if words.GOAL not in query.dimensions and not (len(one) == 1 and len(one[0].values) == 1):
        raise UsageError("metrics: conversion_rate is of one goal; group by goal, or filter one")
    if any(name == words.CONVERSION_RATE for name, _ in query.order):
        raise UsageError("order: rows are not ordered by conversion_rate; order by conversions")
    if set(query.times) - {_DAY}:
        raise UsageError("dimensions: conversion_rate is of days; take time:day")


def counted(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is counted for some metrics: the rate is of conversions, asked for or not."""
    if words.CONVERSION_RATE not in metrics:
        return metrics
    found = tuple(metric for metric in metrics if metric != words.CONVERSION_RATE)
    return found if words.CONVERSIONS in found else (*found, words.CONVERSIONS)


def rated(
    plain: Plain, query: Query, asked: Query, events: Mapping[str, tuple[str, ...]], found: Answer
) -> Answer:
    """Return an answer with the metrics of ``query``, the rate at its place among them.

    ``found`` has what is counted; ``asked`` is its question as the tables know it. ``events`` are
    the goals that are events.
    """
    rates = _Rates(plain, query, asked, events)
    values = [line.dimensions for line in found.lines]
    now = rates.of(values, found.days)
    before = rates.of(values, found.before) if found.before is not None else {}

    def put(line: Line, key: tuple[str, ...] | None) -> Line:
        compare = line.compare and _cells(query, line.compare, before.get(key, WITHHELD))
        return Line(line.dimensions, _cells(query, line.cells, now.get(key, WITHHELD)), compare)

    return replace(
        found,
        lines=tuple(put(line, line.dimensions) for line in found.lines),
        totals=put(found.totals, None if query.dimensions else ()),
    )


def _cells(query: Query, own: tuple[Cell, ...], rate: Cell) -> tuple[Cell, ...]:
    named = dict(zip(counted(query.metrics), own, strict=True)) | {words.CONVERSION_RATE: rate}
    return tuple(named[metric] for metric in query.metrics)


@dataclass(frozen=True, slots=True)
class _Known:
    """Value → day → visitors; the days that are known, and those on which some are folded."""

    by_value: Mapping[str, Mapping[str, float]]
    seen: frozenset[str]
    folded: frozenset[str]

    def on(self, value: str, day: str) -> float | None:
        """Return the visitors of a day; None where they are not known."""
        found = self.by_value.get(value, {}).get(day)
        if found is None and day in self.seen - self.folded:
            return 0
        return found


@dataclass(frozen=True, slots=True)
class _Rates:
    plain: Plain
    query: Query
    asked: Query
    events: Mapping[str, tuple[str, ...]]

    def of(
        self, values: Iterable[tuple[str, ...]], days: Days
    ) -> dict[tuple[str, ...] | None, Cell]:
        """Return the rate of each row of some days."""
        query = self.query
        by = tuple(name for name in query.dimensions if name != _DAY)
        all_of = replace(
            query,
            filters=tuple(f for f in query.filters if f.dimension != words.GOAL),
            dimensions=tuple(name for name in by if name != words.GOAL),
        )
        whole = self._by_day(all_of, ("visitors",), days)
        reached = self._reached(by, days)
        rates: dict[tuple[str, ...] | None, Cell] = {}
        for key in values:
            named = dict(zip(query.dimensions, key, strict=True))
            value = next((named[name] for name in by), "")
            some = [named[_DAY]] if _DAY in named else [day.isoformat() for day in days.each()]
            of_goal, there = reached, value
            if by == (words.GOAL,) and value in self.events:
                of_goal, there = self._of_event(value, days), ""
            of_all = value if all_of.dimensions else ""
            rates[key] = _rate([(of_goal.on(there, day), whole.on(of_all, day)) for day in some])
        return rates

    def _reached(self, by: tuple[str, ...], days: Days) -> _Known:
        """Return who reached goals; a goal that has no cell was reached by none, or is folded."""
        asked = self.asked
        count = "hits" if words.is_widget(asked.site) else words.CONVERSIONS
        metrics = (count, "visitors")
        reached = self._by_day(replace(asked, dimensions=by), metrics, days)
        if not by:
            return reached
        if by != (words.GOAL,):
            whole = self._by_day(replace(asked, dimensions=()), metrics, days)
            none = frozenset(d for d, people in whole.by_value.get("", {}).items() if not people)
            return _Known(reached.by_value, reached.seen | none, reached.folded - none)
        if any(one.dimension != words.GOAL for one in asked.filters):
            return _Known(reached.by_value, frozenset(), frozenset())
        every = self._by_day(replace(asked, dimensions=by, filters=()), ("hits",), days)
        return _Known(reached.by_value, every.seen, every.folded)

    def _of_event(self, name: str, days: Days) -> _Known:
        asked = replace(
            self.query, site=self.query.site + words.WIDGET, dimensions=(),
            filters=(Filter("is", "event", self.events[name]),),
        )  # fmt: skip
        return self._by_day(asked, ("hits", "visitors"), days)

    def _by_day(self, query: Query, metrics: tuple[str, ...], days: Days) -> _Known:
        """Return visitors of each day, by the one dimension there is or of all under ``""``.

        Visitors of several events are not added up: of those nothing is known.
        """
        events = next((f.values for f in query.filters if f.dimension == "event"), ("",))
        if len(events) > 1:
            return _Known({}, frozenset(), frozenset())
        answer = self.plain(
            replace(
                query, metrics=metrics, dimensions=(*query.dimensions, _DAY), order=(),
                date_range=(days.first, days.last), limit=MOST_ROWS, after=None, compare=False,
            )
        )  # fmt: skip
        if answer.next is not None:
            raise UsageError(
                "date_range: too many days for a rate of so many values; ask for fewer"
            )
        found: dict[str, dict[str, float]] = defaultdict(dict)
        seen, folded = set(), set()
        for line in answer.lines:
            value, day = ("", *line.dimensions)[-2:]
            cell = line.cells[-1]
            if cell.number is None:
                continue
            seen.add(day)
            if value == words.OTHER:
                folded.add(day)
            found[value][day] = cell.number
        return _Known(found, frozenset(seen), frozenset(folded))


def _rate(days: list[tuple[float | None, float | None]]) -> Cell:
    """Return a rate of days, each with the visitors of the goal and all visitors."""
    known = [(top, bottom) for top, bottom in days if top is not None and bottom]
    every = sum(bottom for _, bottom in days if bottom)
    told = sum(bottom for _, bottom in known)
    if not told or told < ENOUGH * every:
        return WITHHELD
    return Cell(round(sum(top for top, _ in known) / told, _DIGITS), words.VALUE)
