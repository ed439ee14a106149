"""Questions about goals: those that are events of the site's widget, and the rate of conversion.

Goals that are pages are values of a dimension, counted like all others. Goals that are events are
sums of what is shown of those events, at the site's widget. A rate divides the visitors of a goal
by all that viewed pages, over the days on which both are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from pipeline.analytics import asking, words
from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.analytics.conversion import DAY, WITHHELD, Known, Plain, by_day, rate
from pipeline.analytics.query import MOST_ROWS, Filter, Query
from pipeline.analytics.ranges import Days
from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock
from pipeline.errors import UsageError
from pipeline.policy import Crossings
from pipeline.settings import NO_GOALS, Goals

_NOTE: Final = (
    "goals of several events add up what is shown of each; visitors of several are not added up"
)


def ask(
    run: QueryFn,
    query: Query,
    *,
    clock: Clock,
    k: int,
    retention_days: int,
    crossings: Crossings = words.CROSSINGS,
    goals: Goals = NO_GOALS,
) -> Answer:
    """Answer ``query`` by asking ``run``; ``goals`` are those of the settings.

    All else is as ``asking.ask`` says.
    """
    plain = partial(
        asking.ask, run, clock=clock, k=k, retention_days=retention_days, crossings=crossings
    )
    events = {name: goal.event for name, goal in goals.get(query.site, {}).items() if goal.event}
    return _Asking(plain, events).answer(query)


class _Asking:
    def __init__(self, plain: Plain, events: Mapping[str, tuple[str, ...]]) -> None:
        self._plain = plain
        self._events = events

    def answer(self, query: Query) -> Answer:
        """Return the answer."""
        rating = words.CONVERSION_RATE in query.metrics
        asked = self._translated(query)
        if rating:
            _check(query)
        if not rating and asked is query and not self._lists_goals(query):
            return self._plain(query)
        counted = tuple(m for m in query.metrics if m != words.CONVERSION_RATE)
        counted = counted or (words.CONVERSIONS,)
        found = self._plain(replace(asked, metrics=_of_events(counted, asked is not query)))
        lines = list(found.lines)
        if self._lists_goals(query):
            lines = self._listed(query, counted, lines, found)
        if rating:
            lines, totals = self._rated(query, asked, counted, lines, found)
            found = replace(found, totals=totals)
        notes = found.notes if asked is query and not self._lists_goals(query) else (
            *found.notes, _NOTE
        )  # fmt: skip
        return replace(
            found,
            site=query.site,
            metrics=query.named(query.metrics),
            dimensions=query.named(query.dimensions),
            lines=tuple(lines),
            notes=notes,
        )

    def _lists_goals(self, query: Query) -> bool:
        """Tell whether goals that are events have rows in the answer."""
        return (
            bool(self._events)
            and query.dimensions == (words.GOAL,)
            and words.CONVERSIONS in (*query.metrics, *_implied(query))
        )

    def _translated(self, query: Query) -> Query:
        """Return a question of one goal that is events as one of the site's widget."""
        named = {v for f in query.filters if f.dimension == words.GOAL for v in f.values}
        mine = named & self._events.keys()
        if not mine or query.dimensions == (words.GOAL,):
            return query
        [*others] = [f for f in query.filters if f.dimension != words.GOAL]
        one = [f for f in query.filters if f.dimension == words.GOAL]
        if len(one) > 1 or one[0].operator != "is" or len(one[0].values) > 1:
            raise UsageError(f"filters: {min(mine)} is a goal of events; filter it alone, with is")
        events = self._events[mine.pop()]
        return replace(
            query, site=query.site + words.WIDGET,
            filters=(*others, Filter("is", "event", events)),
        )  # fmt: skip

    def _listed(
        self, query: Query, counted: tuple[str, ...], lines: list[Line], found: Answer
    ) -> list[Line]:
        """Return the rows of goals with those that are events, the largest first."""
        wanted = [name for name in self._events if _picks(query, name)]
        events = tuple(dict.fromkeys(e for name in wanted for e in self._events[name]))
        if not wanted or query.after is not None:
            return lines
        told = self._plain(
            replace(
                query, site=query.site + words.WIDGET, metrics=("hits", "visitors"),
                dimensions=("event",), filters=(Filter("is", "event", events),), order=(),
                limit=MOST_ROWS,
            )
        )  # fmt: skip
        by_event = {line.dimensions[0]: line for line in told.lines}
        made = [
            Line(
                (name,),
                _together(
                    counted, [by_event[e].cells for e in self._events[name] if e in by_event]
                ),
                None
                if found.before is None
                else _together(
                    counted,
                    [by_event[e].compare or () for e in self._events[name] if e in by_event],
                ),
            )
            for name in wanted
        ]
        # A goal of events that was filtered for has a row of nothing among those of pages.
        pages = [line for line in lines if line.dimensions[0] not in self._events]
        both = [*pages, *made]
        return sorted(both, key=lambda line: -(line.cells[0].number or 0))[: query.limit]

    def _rated(
        self,
        query: Query,
        asked: Query,
        counted: tuple[str, ...],
        lines: list[Line],
        found: Answer,
    ) -> tuple[list[Line], Line]:
        """Return rows and totals with the rate at its place among the metrics."""
        values = [line.dimensions for line in lines]
        now = self._rates(query, asked, values, found.days)
        before = None if found.before is None else self._rates(query, asked, values, found.before)

        def put(line: Line, key: tuple[str, ...] | None) -> Line:
            def cells(own: tuple[Cell, ...], rate: Cell) -> tuple[Cell, ...]:
                named = dict(zip(counted, own, strict=True)) | {words.CONVERSION_RATE: rate}
                return tuple(named[metric] for metric in query.metrics)

            mine = WITHHELD if key is None else now.get(key, WITHHELD)
            compare = None
            if line.compare is not None:
                then = WITHHELD if key is None or before is None else before.get(key, WITHHELD)
                compare = cells(line.compare, then)
            return Line(line.dimensions, cells(line.cells, mine), compare)

        rated = [put(line, line.dimensions) for line in lines]
        return rated, put(found.totals, () if not query.dimensions else None)

    def _rates(
        self, query: Query, asked: Query, values: Iterable[tuple[str, ...]], days: Days
    ) -> dict[tuple[str, ...], Cell]:
        by = tuple(name for name in query.dimensions if name != DAY)
        all_of = replace(
            query,
            filters=tuple(f for f in query.filters if f.dimension != words.GOAL),
            dimensions=tuple(name for name in by if name != words.GOAL),
        )
        whole = by_day(self._plain, all_of, ("visitors",), days)
        reached = self._reached(query, asked, by, days)
        rates = {}
        for key in values:
            named = dict(zip(query.dimensions, key, strict=True))
            value = next((named[name] for name in by), "")
            some = [named[DAY]] if DAY in named else [day.isoformat() for day in days.each()]
            of_goal = reached
            if by == (words.GOAL,) and value in self._events:
                of_goal, value_there = self._of_event(query, value, days), ""
            else:
                value_there = value
            of_all = value if all_of.dimensions else ""
            rates[key] = rate(
                [(of_goal.on(value_there, day), whole.on(of_all, day)) for day in some]
            )
        return rates

    def _reached(self, query: Query, asked: Query, by: tuple[str, ...], days: Days) -> Known:
        """Return who reached goals; a goal that has no cell was reached by none, or is folded."""
        metrics = ("hits" if asked is not query else words.CONVERSIONS, "visitors")
        reached = by_day(self._plain, replace(asked, dimensions=by), metrics, days)
        if not by:
            return reached
        if by != (words.GOAL,):
            whole = by_day(self._plain, replace(asked, dimensions=()), metrics, days)
            none = frozenset(d for d, people in whole.by_value.get("", {}).items() if not people)
            return Known(reached.by_value, reached.seen | none, reached.folded - none)
        if any(one.dimension != words.GOAL for one in query.filters):
            return Known(reached.by_value, frozenset(), frozenset())
        every = by_day(self._plain, replace(query, dimensions=by, filters=()), ("hits",), days)
        return Known(reached.by_value, every.seen, every.folded)

    def _of_event(self, query: Query, name: str, days: Days) -> Known:
        events = self._events[name]
        if len(events) > 1:
            return Known({}, frozenset(), frozenset())
        asked = replace(
            query, site=query.site + words.WIDGET, dimensions=(),
            filters=(Filter("is", "event", events),),
        )  # fmt: skip
        return by_day(self._plain, asked, ("hits", "visitors"), days)


def _implied(query: Query) -> tuple[str, ...]:
    return (words.CONVERSIONS,) if words.CONVERSION_RATE in query.metrics else ()


def _check(query: Query) -> None:
    one = [f for f in query.filters if f.dimension == words.GOAL and f.operator == "is"]
    if words.GOAL not in query.dimensions and not (len(one) == 1 and len(one[0].values) == 1):
        raise UsageError("metrics: conversion_rate is of one goal; group by goal, or filter one")
    if any(name == words.CONVERSION_RATE for name, _ in query.order):
        raise UsageError("order: rows are not ordered by conversion_rate; order by conversions")
    if set(query.times) - {DAY}:
        raise UsageError("dimensions: conversion_rate is of days; take time:day")


def _of_events(counted: tuple[str, ...], events: bool) -> tuple[str, ...]:  # noqa: FBT001
    if not events:
        return counted
    return tuple("hits" if metric == words.CONVERSIONS else metric for metric in counted)


def _picks(query: Query, name: str) -> bool:
    """Tell whether the filters leave a goal in; raises UsageError for what a sum cannot be of."""
    for one in query.filters:
        if one.dimension != words.GOAL:
            return False
        within = name in one.values
        if one.operator not in {"is", "is_not"} or within != (one.operator == "is"):
            return False
    return True


def _together(counted: tuple[str, ...], told: list[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    """Return the cells of a goal, of those (hits, visitors) of its events."""
    told = [cells for cells in told if cells]
    made = []
    for metric in counted:
        column = [cells[0 if metric == words.CONVERSIONS else 1] for cells in told]
        shown = [cell.number for cell in column if cell.state == words.VALUE and cell.number]
        if metric != words.CONVERSIONS and len(column) > 1:
            made.append(WITHHELD)
        elif shown:
            made.append(Cell(sum(shown), words.VALUE))
        else:
            unknown = [cell for cell in column if cell.state != words.ZERO]
            made.append(unknown[0] if unknown else column[0] if column else WITHHELD)
    return tuple(made)
