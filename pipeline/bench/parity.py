"""Parity first: no figure is shown unless every cell equals the reference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from pipeline.rows import COUNTS, OF_MINUTES, TABLES

_NUMBERS: Final = COUNTS
COMPARED: Final = tuple(name for name in TABLES if name not in {"pair_daily", *OF_MINUTES})
"""The tables that the reference knows. Pairs are compared with a slow count of their own where k is
1 (tests/unit/release/test_visits.py), and attacked where it is more (tests/wall). Minutes are of
live traffic, and a benchmark is none."""

Key = tuple[str | int, ...]
Numbers = tuple[int, ...]
Tables = Mapping[str, Mapping[Key, Numbers]]
"""Table → key (its columns that are no numbers, in order) → its numbers, in order."""


def keyed(table: str, rows: Iterable[Mapping[str, object]]) -> dict[Key, Numbers]:
    """Return rows of ``table`` (mappings by column) as keys and numbers.

    Dates and datetimes (naive ones are UTC) become seconds; further columns are ignored. Raises
    ValueError where two rows have one key, KeyError where a column is missing.
    """
    columns = TABLES[table]
    names = [name for name in columns if name not in _NUMBERS]
    numbers = [name for name in columns if name in _NUMBERS]
    found: dict[Key, Numbers] = {}
    for row in rows:
        key = tuple(_plain(row[name]) for name in names)
        if key in found:
            raise ValueError(f"{table}: two rows for {_shown(names, key)}")
        found[key] = tuple(int(str(row[name])) for name in numbers)
    return found


def first_difference(found: Tables, expected: Tables) -> str | None:
    """Return the first difference in words, tables and keys in order, or None where equal."""
    for table in sorted({*found, *expected}):
        ours, theirs = found.get(table, {}), expected.get(table, {})
        different = [key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)]
        if different:
            names = [name for name in TABLES[table] if name not in _NUMBERS]
            numbers = [name for name in TABLES[table] if name in _NUMBERS]
            key = min(different, key=lambda key: tuple(map(str, key)))
            return (
                f"{table}: {len(different)} of {len({*ours, *theirs})} rows differ; the first, "
                f"{_shown(names, key)}: found {_counted(numbers, ours.get(key))}, "
                f"reference {_counted(numbers, theirs.get(key))}"
            )
    return None


def _plain(value: object) -> str | int:
    match value:
        case dt.datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            return int(aware.timestamp())
        case dt.date():
            return int(dt.datetime.combine(value, dt.time(), dt.UTC).timestamp())
        case int():
            return value
        case _:
            return str(value)


def _shown(names: list[str], key: Key) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=True))


def _counted(names: list[str], numbers: Numbers | None) -> str:
    if numbers is None:
        return "nothing"
    return ", ".join(f"{number} {name}" for name, number in zip(names, numbers, strict=True))
