"""All dimensions labelled in few passes, since a pass over an hour costs more than its rows do.

The rows stand one below the other, once for each dimension, with whole and window of their own. A
dimension that has one value only at a site and time does not cut its window, so all of them are
labelled alike and once: a web server's lines have no widget's language, and most small sites one
kind of this or that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import polars as pl

from pipeline.chunks import chunks
from pipeline.release.alone import single
from pipeline.release.rules import BITS, Rules
from pipeline.release.sets import dense, pack

Label = tuple[pl.Series, pl.Series]
"""Per row whether it stands under its own value, and the wholes that must wait."""

Work = Callable[[pl.DataFrame, bool, bool], Label]
"""Labels rows, of dimensions that are within others (true) or not, and that have a floor or not.

Besides what a ``Labeller`` was given they have value (code), known (Boolean: published under its
own value), inside (Boolean: whether the parent value has a cell) and space (release.sets); those
within others also parent (code) and in_hour (Boolean: published under its own parent value).
"""

_AT_ONCE: Final = 1_000_000
"""So many rows are labelled in one pass, or those of one dimension."""
_TRUE: Final = pl.lit(True)  # noqa: FBT003
_BASE: Final = pl.col("base")


@dataclass(frozen=True, slots=True)
class _Task:
    """A dimension's rows (None: all), and whether each is ``inside`` (None: within no other)."""

    dimension: str
    rows: pl.Series | None
    inside: pl.Series | None


class Labeller:
    """Labels rows by every dimension; ``work`` does it for several of more than one value."""

    def __init__(
        self, rows: pl.DataFrame, rules: Rules, work: Work, floors: Mapping[str, frozenset[int]]
    ) -> None:
        """``rows``: whole, window, visitor (dense), base, label, add or slot, the dimensions.

        ``floors``: dimensions with a floor → the wholes in which some value needs it.
        """
        self._rows = rows
        self._floors = floors
        self._rules = rules
        self._work = work
        self._whole: Final = rows.get_column("whole")
        self._count: Final = self._whole.n_unique()
        self._wholes: Final = single(rows, _BASE, "whole")
        self._shared: Label | None = None
        self._true: Final = pl.repeat(True, rows.height, eager=True)  # noqa: FBT003
        self._false: Final = ~self._true
        self._steps: Final[dict[str, int]] = rows.select(
            pl.col("whole", "window").max().fill_null(0) + 1
        ).row(0, named=True)
        """Above every code of a dense column."""
        self._kept: Final = [
            name for name in ("visitor", "base", "add", "slot") if name in rows.columns
        ]

    def labels(self) -> tuple[pl.Series, pl.Series]:
        """Return the label of each row (UInt32, rules.BITS), and the wholes that must wait."""
        own: dict[str, pl.Series] = {}
        waiting = [self._whole.clear()]
        roots = [name for name in BITS if self._rules.parent(name) is None]
        for names in (roots, [name for name in BITS if name not in roots]):
            tasks: list[_Task] = []
            for name in names:
                parent = self._rules.parent(name)
                inside = None if parent is None else own[parent]
                own[name], lost, more = self._begun(name, parent, inside)
                waiting.append(lost)
                tasks += more
            for task, (label, lost) in self._worked(tasks):
                more_own = label if task.rows is None else _placed(task.rows, label)
                own[task.dimension] |= more_own
                waiting.append(lost)
        bits = (pl.lit(own[name]).cast(pl.UInt32) * bit for name, bit in BITS.items())
        label = self._rows.select(pl.sum_horizontal(bits).cast(pl.UInt32)).to_series()
        return label, pl.concat(waiting)

    def _begun(
        self, dimension: str, parent: str | None, inside: pl.Series | None
    ) -> tuple[pl.Series, pl.Series, list[_Task]]:
        """Return label and lost wholes of where the dimension has one value, and what is left."""
        wholes = self._wholes[dimension] - self._floors.get(dimension, frozenset())
        if parent is not None:
            # Where the parent has one value as well, its cell is the same rows, and goes the same
            # way: a row that is not inside does not join here either.
            wholes &= self._wholes[parent]
        if not wholes:
            return self._false, self._whole.clear(), self._left(dimension, parent, inside, None)
        own, lost = self._alike()
        if len(wholes) == self._count:
            return own, lost, []
        lost = lost.filter(_among(lost, wholes))
        many = ~_among(self._whole, wholes)
        return own & ~many, lost, self._left(dimension, parent, inside, many)

    def _left(
        self, dimension: str, parent: str | None, inside: pl.Series | None, many: pl.Series | None
    ) -> list[_Task]:
        """Return what is to be done of the rows with several values (None: all).

        Where its parent has one, and all of its rows a cell, a dimension partitions the window
        itself.
        """
        if parent is None or inside is None:
            return [_Task(dimension, many, None)]
        flat = self._wholes[parent]
        if flat:
            flat -= set(self._whole.filter(~inside).unique())
        if not flat:
            return [_Task(dimension, many, inside if many is None else inside.filter(many))]
        alike = _among(self._whole, flat)
        if many is not None:
            alike &= many
        others = ~alike if many is None else ~alike & many
        parts = (_Task(dimension, alike, None), _Task(dimension, others, inside.filter(others)))
        return [task for task in parts if task.rows is not None and task.rows.any()]

    def _worked(self, tasks: Sequence[_Task]) -> Iterator[tuple[_Task, Label]]:
        """Yield the tasks with their labels; those of each kind that ``Work`` knows, apart."""
        for kind in product((False, True), repeat=2):
            mine = (
                task
                for task in tasks
                if (task.inside is not None, task.dimension in self._floors) == kind
            )
            for chunk in chunks(mine, self._height, _AT_ONCE):
                yield from self._pass(chunk, *kind)

    def _pass(
        self,
        tasks: list[_Task],
        nested: bool,  # noqa: FBT001 -- as Work has it
        floored: bool,  # noqa: FBT001
    ) -> Iterator[tuple[_Task, Label]]:
        space = dense(pack("window", "parent")) if nested else pl.col("window")
        own, lost = self._work(self._stacked(tasks).with_columns(space=space), nested, floored)
        first = 0
        step = self._steps["whole"]
        for place, task in enumerate(tasks):
            height = self._height(task)
            mine = lost if lost.is_empty() else lost.filter(lost // step == place) % step
            yield task, (own.slice(first, height), mine)
            first += height

    def _stacked(self, tasks: list[_Task]) -> pl.DataFrame:
        """Return the tasks' rows, each with wholes and windows of its own.

        ``known`` and ``in_hour``: whether a row was published under its own value, and under that
        of its parent. A column at a time: to make a frame of each task costs more than its rows.
        """
        column = self._rows.get_column
        names = {name for task in tasks for name in (task.dimension, self._parent(task)) if name}
        own = {name: _BASE & (pl.col("label") & BITS[name] != 0) for name in names}
        told = self._rows.select(**own)
        stacks: dict[str, list[pl.Series]] = defaultdict(list)
        for place, task in enumerate(tasks):
            parent = self._parent(task)
            mine = {
                **{name: column(name) for name in self._kept},
                **{name: column(name) + place * step for name, step in self._steps.items()},
                "value": column(task.dimension),
                "known": told.get_column(task.dimension),
            }
            if parent is not None:
                mine |= {"parent": column(parent), "in_hour": told.get_column(parent)}
            for name, values in mine.items():
                stacks[name].append(values if task.rows is None else values.filter(task.rows))
            inside = self._true.head(self._height(task)) if task.inside is None else task.inside
            stacks["inside"].append(inside)
        return pl.DataFrame(
            pl.concat(parts, rechunk=True).alias(name) for name, parts in stacks.items()
        )

    def _parent(self, task: _Task) -> str | None:
        return None if task.inside is None else self._rules.parent(task.dimension)

    def _height(self, task: _Task) -> int:
        return self._rows.height if task.rows is None else int(task.rows.sum())

    def _alike(self) -> Label:
        """Return the label of all rows by a dimension of one value."""
        if self._shared is None:
            rows = self._rows.select(
                *self._kept,
                "whole",
                "window",
                value=pl.lit(0, pl.UInt32),
                known=_BASE,
                inside=_TRUE,
                space=pl.col("window"),
            )
            self._shared = self._work(rows, False, False)  # noqa: FBT003
        return self._shared


def _among(wholes: pl.Series, some: frozenset[int]) -> pl.Series:
    """Return whether each of ``wholes`` is one of ``some``."""
    return wholes.is_in(pl.Series(list(some), dtype=wholes.dtype).implode())


def _placed(rows: pl.Series, label: pl.Series) -> pl.Series:
    """Return ``label`` at the chosen ``rows``, and false at all others."""
    return pl.repeat(False, len(rows), eager=True).scatter(rows.arg_true(), label)  # noqa: FBT003
