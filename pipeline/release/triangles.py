"""Pairs that two other pairs would betray (docs/release.md, rule P, *triangles*).

Where v x w, v x r and w x r are told, so is what v and w have without r, together with what r has
without both; and the three other sets of that kind. None of them needs more than sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from pipeline.release.pairs import CELL
from pipeline.release.sets import distinct


class Sums:
    """Visitors and rows by some columns; what several triangles need is counted once."""

    def __init__(self, rows: pl.DataFrame, told: Callable[[str], pl.Expr]) -> None:
        """``rows``: window and visitor; ``told`` gives a column's codes, as the day shows them."""
        self._rows = rows
        self._told = told
        self._codes: dict[str, pl.Series] = {}
        self._found: dict[tuple[str, ...], pl.DataFrame] = {}

    def by(self, *names: str) -> pl.DataFrame:
        """Return window, the columns, visitors and rows (Int64)."""
        key = tuple(sorted(names))
        if key not in self._found:
            columns = [self._column(name) for name in key]
            rows = self._rows.select("window", "visitor").with_columns(columns)
            self._found[key] = rows.group_by("window", *key).agg(
                distinct().cast(pl.Int64).alias("visitors"), pl.len().cast(pl.Int64).alias("rows")
            )
        return self._found[key]

    def within(
        self, cells: pl.DataFrame, over: Sequence[str], names: Sequence[str]
    ) -> pl.DataFrame:
        """Return the cells of two columns that have rows in ``cells`` of the two they are within.

        ``cells``: window, value, across, of ``over``; the result is of ``names``.
        """
        if list(over) == list(names):
            return cells
        columns = dict.fromkeys([*over, *names])
        every = self._rows.select("window", *(self._column(name) for name in columns)).unique()
        found = every.join(cells, left_on=["window", *over], right_on=CELL, how="semi")
        return found.select("window", value=names[0], across=names[1]).unique()

    def _column(self, name: str) -> pl.Series:
        if name not in self._codes:
            self._codes[name] = self._rows.select(self._told(name).alias(name)).to_series()
        return self._codes[name]


def triangles(
    sums: Sums,
    value: str,
    across: str,
    third: str,
    k: int,
    by_leaves: Sequence[tuple[str, str]] = (),
) -> pl.DataFrame:
    """Return the cells (window, value, across) that may not be told beside a third column.

    A set is taken for safe where one of its two parts has k visitors for certain: those of a larger
    set, less those of the smaller ones in it. One that is empty stands for nobody. ``by_leaves``
    are the pairs that are told by leaves of the first of them alone; the columns are ``v``, ``w``
    and ``r`` there.
    """
    sides = {"v": value, "w": across, "r": third}
    every = sums.by(value, across).select("window", value, across)
    every = every.join(sums.by(third).select("window", third), on="window")
    for side in ("v", "w", "r", "vw", "vr", "wr", "vwr", ""):
        names = [sides[one] for one in side]
        kinds = {"visitors": side or "n", "rows": f"{side or 'n'} rows"}
        every = every.join(sums.by(*names).rename(kinds), on=["window", *names], how="left")
    every = every.with_columns(pl.col(pl.Int64).fill_null(0))
    unsafe = [
        _few(one, other, k) & (~_empty(one, other, both) | _bared(name, by_leaves))
        for name, one, other, both in _SETS
    ]
    barred = every.filter(pl.any_horizontal(unsafe))
    return barred.select("window", value=value, across=across).select(CELL).unique()


_Parts = tuple[str, ...]
_SETS: Final[tuple[tuple[str, _Parts, _Parts, tuple[_Parts, _Parts]], ...]] = (
    ("vw", ("vw", "vwr"), ("r", "vr", "wr"), (("vwr",), ())),
    ("vr", ("vr", "vwr"), ("w", "vw", "wr"), (("vwr",), ())),
    ("wr", ("wr", "vwr"), ("v", "vw", "vr"), (("vwr",), ())),
    ("vwr", ("vwr",), ("n", "v", "w", "r"), (("vw", "vwr"), ("vr", "wr"))),
)
"""The four sets: what they are called, a sum less others for each of their two parts, and what the
second takes away too often: sums less others, and more sums."""


def _few(one: _Parts, other: _Parts, k: int) -> pl.Expr:
    """Return whether neither part of a set has k visitors for certain."""
    return pl.max_horizontal(_less(one, ""), _less(other, "")) < k


def _empty(one: _Parts, other: _Parts, both: tuple[_Parts, _Parts]) -> pl.Expr:
    """Return whether no row is in a set."""
    more = sum((pl.col(f"{name} rows") for name in both[1]), _less(both[0], " rows"))
    return _less(one, " rows") + _less(other, " rows") + more == 0


def _bared(name: str, by_leaves: Sequence[tuple[str, str]]) -> pl.Expr:
    """Return whether a set of nobody bares what leaves hide of a pair that they tell.

    Whoever has the cells of some leaves of x beside y, and not all, works out the set together with
    what the others have: beside y, or beside all but y. That is known anyway, and protected, where
    it is all that the margin of y has besides, or all that these leaves have.
    """
    found = pl.lit(value=False)
    for x, y in by_leaves:
        both, of_x, of_y = (pl.col(f"{side} rows") for side in (_side(x, y), x, y))
        beside = name not in {_side(x, y), "vwr"}
        elsewhere = of_y - both if beside else pl.col("n rows") - of_x - of_y + both
        found |= (elsewhere > 0) & (of_x - both > 0)
    return found


def _side(x: str, y: str) -> str:
    return "".join(sorted(x + y, key="vwr".index))


def _less(names: _Parts, kind: str) -> pl.Expr:
    first, *rest = (pl.col(f"{name}{kind}") for name in names)
    for taken in rest:
        first = first - taken
    return first
