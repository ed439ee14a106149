"""The closed lists of what a person's SQL may name, from ``schemas/clickhouse/reading.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from pipeline import declarations

DATABASE: Final = "analytics"
"""Where names without a database are looked for; all of its tables may be read."""


@cache
def _lists() -> dict[str, frozenset[str]]:
    document = declarations.load("clickhouse/reading.yaml")
    return {section: frozenset(str(names).lower().split()) for section, names in document.items()}


def is_function(name: str) -> bool:
    """Tell whether a statement may call ``name``; upper and lower case are the same."""
    lists, left = _lists(), name.lower()
    while left not in lists["functions"] and left not in lists["aggregates"]:
        ending = next((end for end in lists["suffixes"] if left.endswith(end)), "")
        if not ending:
            return False
        left = left.removesuffix(ending)
    return True


def is_table_function(name: str) -> bool:
    """Tell whether ``name`` may stand where a table is expected and be called."""
    return name.lower() in _lists()["table_functions"]


def uncallable(table_functions: Iterable[str]) -> frozenset[str]:
    """Return which of the engine's table functions may not be called at all, in lower case."""
    return frozenset(
        name.lower()
        for name in table_functions
        if not is_function(name) and not is_table_function(name)
    )


def is_table(database: str, table: str) -> bool:
    """Tell whether a table may be read; ``database`` is empty where the statement names none."""
    return database in {"", DATABASE} or f"{database}.{table}" in _lists()["tables"]


class Foreign:
    """The names an engine knows and a statement may not use; anything else is the person's own.

    A bare name can stand for a function (``arrayMap(file, …)``), a dotted one for a table
    (``x IN system.processes``), without the tree saying so.
    """

    def __init__(self, functions: Iterable[str], databases: Iterable[str]) -> None:
        """Take all names of the engine."""
        self._functions = frozenset(f.lower() for f in functions if not is_function(f))
        self._databases = frozenset(databases) - {DATABASE}

    def holds(self, identifier: str) -> bool:
        """Tell whether ``identifier``, its parts joined by dots, is one of those names."""
        first, dot, rest = identifier.partition(".")
        if not dot:
            return first.lower() in self._functions
        return first in self._databases and not is_table(first, rest.partition(".")[0])
