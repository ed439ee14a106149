"""What a question's answer looks like, and who answers: one at a time for each of a few readers.

::

    {"date_range": ["2026-11-01", "2026-11-07"], "metrics": ["visitors"], "dimensions": ["page"],
     "results": [{"dimensions": ["/a"], "metrics": [12], "states": ["value"]}], "k": 10, …}

The same question is asked once within some seconds, however many look at the page: what is released
changes by the hour.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from pipeline.clock import Stopwatch
from pipeline.errors import UsageError

Question = Mapping[str, object]
"""In the words of a query."""
Asking = Callable[[Question], Mapping[str, Any]]
"""Answers a question; raises UsageError where it cannot be asked so, UnavailableError."""

_SECONDS: Final = 30.0
_MOST: Final = 512


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, or why there is none: withheld, expired, not_yet_closed."""

    metric: str
    value: float | None
    state: str
    before: float | None = None
    before_state: str | None = None

    @property
    def known(self) -> bool:
        """Tell whether there is a number."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of an answer."""

    values: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as pages use it."""

    first: str
    last: str
    lines: tuple[Line, ...]
    totals: tuple[Cell, ...]
    notes: tuple[str, ...]
    more: bool
    k: int


def read(found: Mapping[str, Any]) -> Answer:
    """Return an answer in the shape of pages."""
    metrics = [str(metric) for metric in found["metrics"]]
    lines = tuple(
        Line(tuple(str(v) for v in row["dimensions"]), _cells(metrics, row))
        for row in found["results"]
    )
    first, last = found["date_range"]
    return Answer(
        first=str(first),
        last=str(last),
        lines=lines,
        totals=_cells(metrics, found["totals"]) if found.get("totals") else (),
        notes=tuple(str(note) for note in found.get("notes", ())),
        more=found.get("next") is not None,
        k=int(found["k"]),
    )


def _cells(metrics: list[str], row: Mapping[str, Any]) -> tuple[Cell, ...]:
    before = row.get("compare") or [None] * len(metrics)
    return tuple(
        Cell(metric, value if state == "value" else 0 if state == "zero" else None, state, earlier)
        for metric, value, state, earlier in zip(
            metrics, row["metrics"], row["states"], before, strict=True
        )
    )


class Desk:
    """Asks, and remembers answers for some seconds. Safe to use from several threads."""

    def __init__(self, asking: Asking, stopwatch: Stopwatch) -> None:
        self._asking = asking
        self._stopwatch = stopwatch
        self._kept: OrderedDict[bytes, tuple[float, Answer | str]] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, question: Question) -> Answer:
        """Return the answer to a question; raises UsageError, UnavailableError."""
        key = orjson.dumps(question, option=orjson.OPT_SORT_KEYS)
        found = self._remembered(key)
        if found is None:
            try:
                found = read(self._asking(question))
            except UsageError as error:
                found = str(error)
            self._keep(key, found)
        if isinstance(found, str):
            raise UsageError(found)
        return found

    def _remembered(self, key: bytes) -> Answer | str | None:
        with self._lock:
            at, found = self._kept.get(key, (0.0, None))
            fresh = found is not None and self._stopwatch() - at < _SECONDS
            return found if fresh else None

    def _keep(self, key: bytes, found: Answer | str) -> None:
        with self._lock:
            self._kept[key] = (self._stopwatch(), found)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
