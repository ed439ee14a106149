"""What a question is about, whatever it counts: dimensions, segments, audience.

An aim is of a question's rows, or, ungrouped, of its totals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipeline.analytics import conditions, words
from pipeline.analytics.query import Query
from pipeline.errors import UsageError
from pipeline.policy import Crossings

_APART: Final = {"segment", "audience"}
"""What requests are told apart by in every table; no dimensions of a breakdown."""


def check_beside_conversions(metrics: Iterable[str]) -> None:
    """Raise UsageError for what is not counted of goals."""
    for metric in metrics:
        if metric not in {words.CONVERSIONS, "visitors"}:
            raise UsageError(f"metrics: {metric} is not counted beside conversions")


class Aim:
    """The dimensions that cells must be of, grouped by or filtered, and whose requests count.

    ``of`` are dimensions of breakdowns, ``apart`` the others that are grouped by (segment,
    audience), ``dimensions`` all that are grouped by. ``segments`` and ``audience`` are None where
    nothing is said of them.
    """

    def __init__(self, query: Query, crossings: Crossings, *, grouped: bool) -> None:
        """Raises UsageError where the words do not go together."""
        self.query = query
        self.crossings = crossings
        self.widget = words.is_widget(query.site)
        self.segments = conditions.chosen(query, "segment", words.SEGMENTS)
        self.audience = conditions.chosen(query, "audience", words.AUDIENCES)
        by = [name for name in query.dimensions if name not in words.TIMES]
        self.apart = tuple(name for name in by if name in _APART)
        named = [*by, *(one.dimension for one in query.filters)]
        self.of = tuple(dict.fromkeys(n for n in named if n not in _APART))
        self.converting = words.CONVERSIONS in query.metrics
        if self.converting:
            self._convert()
        self.dimensions = query.dimensions
        self._check()
        if not grouped:
            self._ungroup()

    def _convert(self) -> None:
        """Of conversions, what is counted is of goals, whether they are told apart or not."""
        check_beside_conversions(self.query.metrics)
        if self.widget:
            raise UsageError("metrics: a widget's conversions are its site's; ask for those")
        if words.GOAL not in self.of:
            self.of = (*self.of, words.GOAL)

    def _check(self) -> None:
        for one in self.query.filters:
            if one.operator in words.SEARCHING and one.dimension not in self.query.dimensions:
                raise UsageError(
                    f"filters: {one.operator} looks through the values of a dimension that is "
                    f"grouped by; add {one.dimension} to dimensions, or use is"
                )
        for name, _ in self.query.order:
            if name not in self.query.metrics and name not in self.query.dimensions:
                raise UsageError(f"order: {name} is not asked for; add it, or order by another")
        if len(self.apart) > 1 or (self.segments is not None and self.audience is not None):
            raise UsageError("filters: choose by segment or by audience, not by both")
        if "audience" in self.apart and (self.of or self.segments is not None):
            raise UsageError("dimensions: audience stands alone, or with a time; take segment")
        if "segment" in self.apart and self.audience is not None:
            raise UsageError("filters: choose by segment where you group by segment")
        if len(self.of) > 2:  # noqa: PLR2004
            raise UsageError("filters: two dimensions at most are counted together; remove one")

    def _ungroup(self) -> None:
        filtered = {one.dimension for one in self.query.filters} - _APART
        if self.converting:
            filtered.add(words.GOAL)
        if words.NEXT_PAGE not in self.of:  # moves are fewer than views: their total is their own
            self.of = tuple(name for name in self.of if name in filtered)
        if "segment" in self.apart and self.segments is None:
            self.segments = words.SEGMENTS
        if "audience" in self.apart and self.audience is None:
            self.audience = words.AUDIENCES
        self.apart, self.dimensions = (), ()

    def conditions(self, sql: dict[str, str]) -> tuple[str, ...]:
        """Return the filters as SQL over columns by dimension."""
        found = tuple(
            conditions.condition(one, sql[one.dimension])
            for one in self.query.filters
            if one.dimension in sql
        )
        if self.converting:
            none = conditions.among(sql[words.GOAL], (words.NO_GOAL, words.OTHER))
            return (*found, f"NOT {none}")
        return found

    def keys(self, sql: dict[str, str]) -> tuple[tuple[str, str], ...]:
        """Return what is grouped by, of columns by dimension."""
        return tuple((name, sql[name]) for name in self.dimensions if name in sql)

    def segments_of(self, first: str, across: str) -> tuple[str, ...]:
        """Return the segments in which two things are counted at a time."""
        stored = "role" if across == "visit_role" else across
        return tuple(s for s, pairs in self.crossings.items() if stored in pairs.get(first, ()))

    def one_value(self, name: str) -> bool:
        """Tell whether a visitor counts once: one value of ``name``, or one each by nature."""
        if name in self.dimensions or name in words.OF_A_VISITOR:
            return True
        wanted = [one for one in self.query.filters if one.dimension == name]
        return any(one.operator == "is" and len(one.values) == 1 for one in wanted)
