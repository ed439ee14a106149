"""Pairs that two other pairs would betray (docs/release.md, rule P, *triangles*).

Where v x w, v x r and w x r are told, so is what v and w have without r, together with what r has
without both; and the three other sets of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from pipeline.release.pairs import CELL
from pipeline.release.sums import Sums


def triangles(
    sums: Sums,
    value: str,
    across: str,
    third: str,
    k: int,
    by_leaves: Sequence[tuple[str, str]] = (),
    *,
    empty: bool = False,
) -> pl.DataFrame:
    """Return the cells (window, value, across) that may not be told beside a third column.

    A set is taken for safe where one of its two parts has k visitors for certain: those of a larger
    set, less those of the smaller ones in it. One that is empty stands for nobody. ``by_leaves``
    are the pairs that are told by leaves of the first of them alone; the columns are ``v``, ``w``
    and ``r`` there. ``empty``: that nobody is in a cell may not be told either, so these are looked
    at as well. Where a column has one value in a window, what is told of it is a margin.
    """
    sides = {"v": value, "w": across, "r": third}
    every = _choices(sums, sides, empty=empty)
    if every.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(CELL, pl.UInt32))
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


def _choices(sums: Sums, sides: Mapping[str, str], *, empty: bool) -> pl.DataFrame:
    """Return window and the values of the three columns, of windows that have several of each."""
    several = {
        side: sums.by(name).filter(pl.len().over("window") > 1).select("window", name)
        for side, name in sides.items()
    }
    found = several["v"].join(several["w"], on="window").join(several["r"], on="window")
    if empty or found.is_empty():
        return found
    return found.join(sums.by(sides["v"], sides["w"]), on=found.columns[:3], how="semi")


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
