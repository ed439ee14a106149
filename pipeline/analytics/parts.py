"""Where the numbers of a question come from: parts, each one scan of one table.

A part says which cells it adds up, by which columns, and with which names. Only ``_literal`` puts a
caller's text into SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.analytics import words
from pipeline.analytics.query import Filter, Query
from pipeline.clickhouse.sql import literal
from pipeline.errors import UsageError

_PATHS: Final = {"entry_page", "exit_page"}


@dataclass(frozen=True, slots=True)
class Part:
    """Cells of one table that are added up together.

    ``columns`` are metrics and the columns they sum; ``where`` holds conditions that say which
    breakdown it is, ``chosen`` those that pick values in it; ``keys`` are SQL by dimension, of what
    is grouped by besides time. ``folded`` tells the cells of ``(other)``. ``roles``: the cells are
    told apart by the role of a page view in its visit.
    """

    name: str
    table: str
    columns: tuple[tuple[str, str], ...]
    where: tuple[str, ...]
    chosen: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    folded: str
    hourly: bool
    roles: bool = False


def parts(query: Query) -> tuple[Part, ...]:
    """Return the parts of a question; raises UsageError where there are no such numbers."""
    made = _Making(query)
    found = [*made.counted(), *made.visits()]
    if "time:hour" in query.dimensions and not all(part.hourly for part in found):
        daily = [part for part in found if not part.hourly]
        raise UsageError(
            f"dimensions: {_names(daily[0])} by time:hour is not counted; take time:day"
        )
    return tuple(found)


def _names(part: Part) -> str:
    return ", ".join(name for name, _ in part.columns) or "this"


class _Making:
    """One question on its way into parts."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.widget = words.is_widget(query.site)
        self.segments = self._segments()
        self.audience = self._audience()
        grouped = [name for name in query.dimensions if name not in words.TIMES]
        self.apart = [name for name in grouped if name in {"segment", "audience"}]
        named = [*grouped, *(one.dimension for one in query.filters)]
        self.of = tuple(dict.fromkeys(n for n in named if n not in {"segment", "audience"}))
        self._check()

    def _segments(self) -> tuple[str, ...] | None:
        """Return the segments asked for, None where none are."""
        return _chosen(self.query, "segment", words.SEGMENTS)

    def _audience(self) -> tuple[str, ...] | None:
        return _chosen(self.query, "audience", words.AUDIENCES)

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

    # what is counted of requests

    def counted(self) -> list[Part]:
        """Return the parts for what is counted request by request."""
        found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for metric in self.query.metrics:
            if metric not in words.VISITS:
                found.setdefault(self._of(metric), []).append(_column(metric))
        if not found:
            return []
        made = []
        for segments, columns in found.items():
            made.append(self._part(f"p{len(made)}", segments, tuple(columns)))
        return made

    def _of(self, metric: str) -> tuple[str, ...]:
        """Return the segments that a metric is of, or ``("*",)`` for an audience's traffic."""
        asked = self.segments
        if self.audience is not None:
            asked = ("*",) if not self.of else _of_audience(self.audience)
        if "segment" in self.apart and asked is None:
            asked = words.SEGMENTS
        if "audience" in self.apart:
            asked = ("*",)
        if metric == "pageviews":
            return self._views(asked)
        if metric == "failures":
            if asked is not None and asked != ("*",) and words.FAILED not in asked:
                raise UsageError("metrics: failures are of the segment failed; ask for hits")
            return (words.FAILED,)
        if asked is not None:
            if metric == "visitors" and len(asked) > 1 and "segment" not in self.apart:
                raise UsageError(
                    "metrics: visitors of several segments cannot be added up; choose one segment"
                )
            return asked
        if metric == "visitors":
            return (words.REQUEST,) if self.widget else (words.VIEW,)
        return words.PEOPLE if self.of else ("*",)

    def _views(self, asked: tuple[str, ...] | None) -> tuple[str, ...]:
        if self.widget:
            raise UsageError("metrics: a widget sends events and has no pageviews; ask for events")
        if asked is not None and asked != ("*",) and words.VIEW not in asked:
            raise UsageError("metrics: pageviews are of the segment view; ask for hits")
        return (words.VIEW,)

    def _part(
        self, name: str, segments: tuple[str, ...], columns: tuple[tuple[str, str], ...]
    ) -> Part:
        if segments == ("*",):
            return self._traffic(name, columns)
        where = [_among("segment", segments)]
        keys = {"segment": "segment"} if "segment" in self.apart else {}
        if not self.of:
            return Part(name, "segment", columns, tuple(where), (), tuple(keys.items()), "0", True)
        self._none_of("bytes", columns)
        if len(self.of) == 2:  # noqa: PLR2004
            return self._pair(name, where, keys, columns)
        one = self.of[0]
        if one in {"visit_role", "visit_length"}:
            return self._of_whole_visits(name, one, where, columns)
        if one in _PATHS:
            raise UsageError(
                f"metrics: {columns[0][0]} by {one} is not counted; ask for "
                f"{'entries, bounce_rate, visit_duration' if one == 'entry_page' else 'exits'}"
            )
        if one == words.NEXT_PAGE:
            raise UsageError("dimensions: next_page goes with page; group or filter by page too")
        column = "value"
        if one == words.STATUS_CLASS:
            self._none_of("visitors", columns)
            one, column = "status", _STATUS_CLASS
        where.append(f"dimension = {literal(one)}")
        keys |= {d: column for d in self.query.dimensions if d == self.of[0]}
        chosen = self._conditions({self.of[0]: column})
        return Part(
            name, "segment_breakdown", columns, tuple(where), chosen, tuple(keys.items()),
            f"{column} = '(other)'", True,
        )  # fmt: skip

    def _traffic(self, name: str, columns: tuple[tuple[str, str], ...]) -> Part:
        audiences = self.audience or (words.AUDIENCES if self.apart else ("human",))
        keys = (("audience", "audience"),) if self.apart else ()
        if len(audiences) > 1 and not self.apart:
            self._none_of("visitors", columns)
        return Part(
            name, "traffic", columns, (_among("audience", audiences),), (), keys, "0", True
        )

    def _none_of(self, metric: str, columns: tuple[tuple[str, str], ...]) -> None:
        if any(name == metric for name, _ in columns):
            of = self.of[0] if self.of else "both audiences"
            raise UsageError(f"metrics: {metric} by {of} is not counted; leave it out")

    def _pair(
        self,
        name: str,
        where: list[str],
        keys: dict[str, str],
        columns: tuple[tuple[str, str], ...],
    ) -> Part:
        first, across = self._paired()
        where += [f"dimension = {literal(first)}", f"across = {literal(_stored(across))}"]
        sql = {first: "value", across: "across_value"}
        keys |= {d: sql[d] for d in self.query.dimensions if d in sql}
        return Part(
            name, "pair", columns, tuple(where), self._conditions(sql), tuple(keys.items()),
            "value = '(other)' OR across_value = '(other)'", False,
        )  # fmt: skip

    def _paired(self) -> tuple[str, str]:
        known = words.pairs(self.query.site)
        for pair in (self.of, self.of[::-1]):
            if pair in known:
                return pair[0], pair[1]
            if pair[1] == "visit_role" and pair[0] in words.COUNTED and not self.widget:
                return pair[0], pair[1]
        listed = ", ".join(f"{a} with {b}" for a, b in known)
        also = "" if self.widget else ", any with visit_role"
        raise UsageError(
            f"dimensions: {self.of[0]} with {self.of[1]} is not counted; there are {listed}{also}"
        )

    def _of_whole_visits(
        self,
        name: str,
        one: str,
        where: list[str],
        columns: tuple[tuple[str, str], ...],
    ) -> Part:
        if one == "visit_length":
            raise UsageError(f"metrics: {columns[0][0]} by visit_length is not counted; ask visits")
        where += ["dimension = 'segment'", "across = 'role'"]
        keys = tuple((d, "across_value") for d in self.query.dimensions if d == one)
        chosen = self._conditions({one: "across_value"})
        return Part(
            name, "pair", columns, tuple(where), chosen, keys, "across_value = '(other)'", False
        )

    # what is counted of visits

    def visits(self) -> list[Part]:
        """Return the part for metrics made of visits."""
        asked = [name for name in self.query.metrics if name in words.VISITS]
        if not asked:
            return []
        if self.widget:
            raise UsageError(f"metrics: {asked[0]} is of page views, and a widget sends events")
        if (
            self.segments not in {None, (words.VIEW,)}
            or self.audience not in {None, ("human",)}
            or self.apart
        ):
            raise UsageError(f"metrics: {asked[0]} is of the segment view; leave the others out")
        if len(self.of) > 1:
            raise UsageError(
                f"metrics: {asked[0]} by {self.of[0]} and {self.of[1]} is not counted; "
                "leave one of them out"
            )
        one = self.of[0] if self.of else None
        self._sensible(asked, one)
        if one == "visit_length":
            return [self._lengths(asked)]
        dimension = {None: "segment", "entry_page": "page", "exit_page": "page"}.get(one, one)
        where = (
            "segment = 'view'", f"dimension = {literal(str(dimension))}", "across = 'role'",
        )  # fmt: skip
        keys = tuple((d, "value") for d in self.query.dimensions if d == one)
        chosen = self._conditions({str(one): "value"})
        columns = tuple((name, "role") for name in asked)
        return [
            Part("v", "pair", columns, where, chosen, keys, "value = '(other)'", False, roles=True)
        ]

    def _lengths(self, asked: list[str]) -> Part:
        where = ("segment = 'view'", "dimension = 'segment'", "across = 'visit_length'")
        keys = tuple((d, "across_value") for d in self.query.dimensions if d == "visit_length")
        chosen = self._conditions({"visit_length": "across_value"})
        columns = tuple((name, "hits") for name in asked)
        return Part(
            "v", "pair", columns, where, chosen, keys, "across_value = '(other)'", False
        )

    def _sensible(self, asked: list[str], one: str | None) -> None:
        allowed = _ALLOWED.get(str(one), words.VISITS)
        if one is not None and one not in words.OF_A_VISIT:
            allowed -= {"views_per_visit"}
        if one == words.NEXT_PAGE or one == words.STATUS_CLASS or one == "visit_role":
            raise UsageError(f"metrics: {asked[0]} by {one} is not counted; ask for pageviews")
        for name in asked:
            if name not in allowed:
                raise UsageError(
                    f"metrics: {name} by {one} is not counted; there are "
                    f"{', '.join(sorted(allowed))}"
                )

    def _conditions(self, sql: dict[str, str]) -> tuple[str, ...]:
        return tuple(
            _condition(one, sql[one.dimension])
            for one in self.query.filters
            if one.dimension in sql
        )


_ALLOWED: Final = {
    "entry_page": words.VISITS - {"views_per_visit", "exits", "exit_rate"},
    "exit_page": frozenset({"visits", "exits", "exit_rate"}),
    "visit_length": frozenset({"visits"}),
}
_STATUS_CLASS: Final = (
    "if(match(value, '^[1-5][0-9][0-9]$'), concat(substring(value, 1, 1), 'xx'), value)"
)


def _stored(across: str) -> str:
    return "role" if across == "visit_role" else across


def _column(metric: str) -> tuple[str, str]:
    return metric, {"visitors": "visitors", "bytes": "bytes"}.get(metric, "hits")


def _of_audience(audiences: tuple[str, ...]) -> tuple[str, ...]:
    found = (words.PEOPLE if "human" in audiences else ()) + (
        (words.BOT,) if "bot" in audiences else ()
    )
    return found


def _chosen(query: Query, name: str, known: tuple[str, ...]) -> tuple[str, ...] | None:
    asked = [one for one in query.filters if one.dimension == name]
    if not asked:
        return None
    left = set(known)
    for one in asked:
        strange = [value for value in one.values if value not in known]
        if strange or one.operator not in {"is", "is_not"}:
            raise UsageError(f"filters: {name} is or is_not one of {', '.join(known)}")
        left = left & set(one.values) if one.operator == "is" else left - set(one.values)
    if not left:
        raise UsageError(f"filters: no {name} is left; choose from {', '.join(known)}")
    return tuple(value for value in known if value in left)


def _condition(one: Filter, column: str) -> str:
    """Return a filter as SQL; ``(other)`` is of no value, so only its own name finds it."""
    if one.operator == "is":
        return _among(column, one.values)
    shown = f"{column} != '(other)'"
    if one.operator == "is_not":
        return f"{shown} AND NOT {_among(column, one.values)}"
    call = {
        "contains": "position({}, {}) > 0",
        "starts_with": "startsWith({}, {})",
        "ends_with": "endsWith(lower({}), lower({}))",
    }[one.operator]
    either = " OR ".join(call.format(column, literal(value)) for value in one.values)
    return f"{shown} AND ({either})"


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(literal(value) for value in values)})"
