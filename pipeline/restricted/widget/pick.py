"""Lines of JSON into columns of what the schemas name, as Python's values; nothing is judged here.

orjson reads each line alone, and what the schemas name is picked out of it (why not in one go for
all lines: ``formats/jsonlines.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import orjson
import polars as pl

from pipeline.restricted.widget.values import Column

_STATED: Final = ("v", "event")
_TURNED: Final = 2_000
"""So many lines are turned into columns at once: rows that live on cost the garbage collector."""


class Picker:
    """Picks the same out of each line it is given; a line that is no event gives nothing."""

    def __init__(self, around: Iterable[str], names: Iterable[str], objects: Sequence[str]) -> None:
        """Take the names of what stands around an event, and of its properties.

        Of ``objects`` the type alone is picked, or the garbage collector would look after them all.
        """
        self._around, self._names, self._objects = tuple(around), tuple(names), tuple(objects)

    def pick(
        self, lines: pl.Series
    ) -> tuple[dict[str, Column], tuple[Column, ...], dict[str, Column]]:
        """Return what stands around each line's event, its version and name, its properties.

        No text makes it raise: a line that is no event is None in every column.
        """
        around, names, objects = self._around, (*_STATED, *self._names), self._objects
        nothing: Final = (None,) * (len(around) + len(names) + len(objects))
        loads = orjson.loads

        def row(line: str | None) -> tuple[object, ...]:
            try:
                found = loads(line or "")
            except orjson.JSONDecodeError:
                return nothing
            event = found.get("event") if type(found) is dict else None
            if type(event) is not dict:
                return nothing
            types = map(type, map(event.get, objects))
            return (*map(found.get, around), *map(event.get, names), *types)

        columns: list[list[object]] = [[] for _ in nothing]
        for part in lines.to_frame().iter_slices(_TURNED):
            rows = [row(line) for line in part.to_series().to_list()]
            for column, more in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(more)
        first, rest = len(around), len(around) + len(_STATED)
        return (
            dict(zip(around, columns[:first], strict=True)),
            tuple(columns[first:rest]),
            dict(zip((*self._names, *objects), columns[rest:], strict=True)),
        )
