"""Pairs that two other pairs would betray (docs/release.md, rule P, *triangles*).

Where v x w, v x r and w x r are told, so is what v and w have without r, together with what r has
without both; and the three other sets of that kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipeline.release import parts
from pipeline.release.pairs import CELL
from pipeline.release.sums import Sums

_SETS: Final = ("vw", "vr", "wr", "vwr")
"""The four sets: each is the part of this name together with the one that lacks what it has."""


def triangles(
    sums: Sums,
    value: str,
    across: str,
    third: str,
    k: int,
    by_leaves: Sequence[tuple[str, str]] = (),
) -> pl.DataFrame:
    """Return the cells (window, value, across) that may not be told beside a third column.

    A set is taken for safe where one of its two parts has k visitors. One that is empty stands for
    nobody. ``by_leaves`` are the pairs that are told by leaves of the first of them alone; the
    columns are ``v``, ``w`` and ``r`` there.
    """
    names = {"v": value, "w": across, "r": third}
    unsafe = [pl.DataFrame(schema=dict.fromkeys(CELL, pl.UInt32))]
    choices = _choices(sums, names)
    if choices.is_empty():
        return unsafe[0]
    doubtful = {name: _doubtful(choices, name, k, by_leaves) for name in _SETS}
    windows = pl.concat(some.select("window") for some in doubtful.values()).unique()
    if windows.is_empty():
        return unsafe[0]
    rows = sums.rows(*names.values()).join(windows, on="window", how="semi")
    seen = rows.select("window", "visitor", **names).unique()
    for name, thin in doubtful.items():
        few = parts.few(thin, seen, name, k)
        few = parts.few(few, seen, parts.other(name), k)
        unsafe.append(few.select("window", value="v", across="w"))
    return pl.concat(unsafe).unique()


def _doubtful(
    choices: pl.DataFrame, name: str, k: int, by_leaves: Sequence[tuple[str, str]]
) -> pl.DataFrame:
    """Return the choices of which sums alone do not show that a set is safe."""
    both = name, parts.other(name)
    nobody = parts.height(both[0]) + parts.height(both[1]) == 0
    few = (parts.at_least(part) < k for part in both)
    return choices.filter(~nobody | _bared(name, by_leaves), *few)


def _choices(sums: Sums, names: dict[str, str]) -> pl.DataFrame:
    """Return v and w that have rows together, with any r, and what all of them have.

    Where one of the columns has one value only, what is told of it is a margin.
    """

    def counted(some: str) -> pl.DataFrame:
        """Return window, the values and what they have."""
        sides = {side: names[side] for side in some}
        counts = {f"visitors {some}": "visitors", f"rows {some}": "rows"}
        return sums.by(*sides.values()).select("window", **sides, **counts)

    found = counted("")
    for side in parts.SIDES:
        several = counted(side).filter(pl.len().over("window") > 1)
        found = found.join(several, on="window")
        if found.is_empty():
            return found
    found = found.join(counted("vw"), on=["window", "v", "w"])
    for some in ("vr", "wr", "vwr"):
        found = found.join(counted(some), on=["window", *some], how="left")
    return found.with_columns(pl.col(pl.Int64).fill_null(0))


def _bared(name: str, by_leaves: Sequence[tuple[str, str]]) -> pl.Expr:
    """Return whether a set of nobody bares what leaves hide of a pair that they tell.

    Whoever has the cells of some leaves of x beside y, and not all, works out the set together with
    what the others have: beside y, or beside all but y. That is known anyway, and protected, where
    it is all that the margin of y has besides, or all that these leaves have.
    """
    found = pl.lit(value=False)
    for x, y in by_leaves:
        both, of_x, of_y = (parts.rows(side) for side in (parts.joined(x, y), x, y))
        beside = name not in {parts.joined(x, y), "vwr"}
        elsewhere = of_y - both if beside else parts.rows("") - of_x - of_y + both
        found |= (elsewhere > 0) & (of_x - both > 0)
    return found
