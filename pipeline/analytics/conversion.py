"""The rate of conversion: a goal's visitors by all that view pages, on days when both are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.analytics import words
from pipeline.analytics.answer import Answer, Cell
from pipeline.analytics.compiling import ENOUGH
from pipeline.analytics.query import MOST_ROWS, Query
from pipeline.analytics.ranges import Days
from pipeline.errors import UsageError

DAY: Final = "time:day"
WITHHELD: Final = Cell(None, words.WITHHELD)
_DIGITS: Final = 4
Plain = Callable[[Query], Answer]
"""Answers a question in which no rate and no event stands for a goal."""


@dataclass(frozen=True, slots=True)
class Known:
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


def by_day(plain: Plain, query: Query, metrics: tuple[str, ...], days: Days) -> Known:
    """Return the visitors of each day, by the one dimension there is or of all under ``""``."""
    events = next((f.values for f in query.filters if f.dimension == "event"), ("",))
    if len(events) > 1:
        return Known({}, frozenset(), frozenset())
    answer = plain(
        replace(
            query, metrics=metrics, dimensions=(*query.dimensions, DAY), order=(),
            date_range=(days.first, days.last), limit=MOST_ROWS, after=None, compare=False,
        )
    )  # fmt: skip
    if answer.next is not None:
        raise UsageError("date_range: too many days for a rate of so many values; ask for fewer")
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
    return Known(found, frozenset(seen), frozenset(folded))


def rate(days: list[tuple[float | None, float | None]]) -> Cell:
    """Return a rate of days, each with the visitors of the goal and all visitors."""
    known = [(top, bottom) for top, bottom in days if top is not None and bottom]
    every = sum(bottom for _, bottom in days if bottom)
    told = sum(bottom for _, bottom in known)
    if not told or told < ENOUGH * every:
        return WITHHELD
    return Cell(round(sum(top for top, _ in known) / told, _DIGITS), words.VALUE)
