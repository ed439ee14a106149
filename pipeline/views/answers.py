"""Answers as pages use them, and the desk that pages ask.

What is released changes by the hour, and one page asks many things that overlap: the same SELECT
goes to the tables once within some seconds, however many look at the page.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline import analytics
from pipeline.analytics import sites, words
from pipeline.clickhouse.queries import QueryFn, Row
from pipeline.clock import Clock, Stopwatch
from pipeline.policy import Crossings
from pipeline.settings import NO_GOALS, Goals
from pipeline.zones import ALL_UTC, Zones
from pipeline.zones import clock as clock_in

Question = Mapping[str, object]
"""In the words of a query (docs/analytics.md)."""

_SECONDS: Final = 30.0
_MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, or why there is none: withheld, expired, not_yet_closed.

    ``span``: of a quantile, the numbers between which it lies, None for no end.
    """

    metric: str
    value: float | None
    state: str
    before: float | None = None
    before_state: str | None = None
    span: tuple[int, int | None] | None = None

    @property
    def known(self) -> bool:
        """Tell whether there is a number."""
        return self.value is not None

    def earlier(self) -> Cell | None:
        """Return the cell of the period before; None where nothing is compared."""
        state = self.before_state
        return None if state is None else Cell(self.metric, self.before, state)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of an answer."""

    values: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a question, its totals, the days that they are of, and in which zone."""

    first: dt.date
    last: dt.date
    lines: tuple[Line, ...]
    totals: tuple[Cell, ...]
    notes: tuple[str, ...]
    more: bool
    k: int
    zone: str


def _read(found: analytics.Answer) -> Answer:
    return Answer(
        first=found.days.first,
        last=found.days.last,
        lines=tuple(Line(one.dimensions, _cells(found.metrics, one)) for one in found.lines),
        totals=_cells(found.metrics, found.totals),
        notes=found.notes,
        more=found.next is not None,
        k=found.k,
        zone=found.zone,
    )


def _cells(metrics: Sequence[str], line: analytics.Line) -> tuple[Cell, ...]:
    before = line.compare or (None,) * len(metrics)
    return tuple(
        Cell(metric, now.number, now.state, then and then.number, then and then.state, now.span)
        for metric, now, then in zip(metrics, line.cells, before, strict=True)
    )


class Remembering:
    """A ``QueryFn`` that asks another one, and remembers its rows. Safe to use from threads."""

    def __init__(self, run: QueryFn, stopwatch: Stopwatch) -> None:
        self._run = run
        self._stopwatch = stopwatch
        self._kept: OrderedDict[str, tuple[float, list[Row]]] = OrderedDict()
        self._lock = threading.Lock()
        self._asked: dict[str, threading.Lock] = {}

    def __call__(self, statement: str) -> list[Row]:
        """Return the rows of a statement; raises as the other one does."""
        with self._lock:
            asked = self._asked.setdefault(statement, threading.Lock())
        try:
            with asked:  # who asks the same at the same time waits for the answer
                found = self._remembered(statement)
                if found is None:
                    found = self._run(statement)
                    self._keep(statement, found)
                return found
        finally:
            with self._lock:
                self._asked.pop(statement, None)

    def _remembered(self, statement: str) -> list[Row] | None:
        with self._lock:
            at, found = self._kept.get(statement, (0.0, None))
            return found if found is not None and self._stopwatch() - at < _SECONDS else None

    def _keep(self, statement: str, found: list[Row]) -> None:
        with self._lock:
            self._kept[statement] = (self._stopwatch(), found)
            self._kept.move_to_end(statement)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """What pages ask. ``k`` is the one in force; ``retention_days``: how long rows are kept.

    ``crossings``: which two things are released at a time. ``goals``: by site and name. ``zones``:
    by whose clock each site's times are.
    """

    run: QueryFn
    clock: Clock
    k: int
    retention_days: int
    crossings: Crossings = field(default_factory=lambda: words.CROSSINGS)
    goals: Goals = field(default_factory=lambda: NO_GOALS)
    zones: Zones = ALL_UTC

    def ask(self, question: Question) -> Answer:
        """Return the answer to a question; raises UsageError, UnavailableError."""
        query = analytics.read(dict(question))
        return _read(
            analytics.ask(
                self.run,
                query,
                clock=self.clock,
                k=self.k,
                retention_days=self.retention_days,
                crossings=self.crossings,
                goals=self.goals,
                zones=self.zones,
            )
        )

    def shown(self, site: str, moment: dt.datetime) -> dt.datetime:
        """Return what the site's clock shows at a moment, marked as UTC."""
        return clock_in(lambda: moment, self.zones.of(site))()

    def now(self, site: str) -> dt.datetime:
        """Return what the site's clock shows now, marked as UTC."""
        return self.shown(site, self.clock())

    def sites(self) -> list[str]:
        """Return the names of what has numbers; raises UnavailableError."""
        return [one.name for one in sites.sites(self.run)]
