"""Filters as SQL: the one place where a caller's text is put into a statement, as a literal."""

from __future__ import annotations

from typing import Final

from pipeline.analytics.query import Filter, Query
from pipeline.clickhouse.sql import literal
from pipeline.errors import UsageError

_SEARCHES: Final = {
    "contains": "position({}, {}) > 0",
    "starts_with": "startsWith({}, {})",
    "ends_with": "endsWith(lower({}), lower({}))",
}


def chosen(query: Query, name: str, known: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return which of the ``known`` values the filters leave, None where none is on ``name``."""
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


def condition(one: Filter, column: str) -> str:
    """Return a filter as SQL; ``(other)`` is of no value, so only its own name finds it."""
    if one.operator == "is":
        return among(column, one.values)
    shown = f"{column} != '(other)'"
    if one.operator == "is_not":
        return f"{shown} AND NOT {among(column, one.values)}"
    denied = one.operator.startswith("not_")
    call = _SEARCHES[one.operator.removeprefix("not_")]
    either = " OR ".join(call.format(column, literal(value)) for value in one.values)
    return f"{shown} AND {'NOT ' if denied else ''}({either})"


def among(column: str, values: tuple[str, ...]) -> str:
    """Return that a column is one of ``values``."""
    return f"{column} IN ({', '.join(literal(value) for value in values)})"
