"""Pairs that two other pairs would betray (docs/release.md, rule P, *triangles*).

Where v x w, v x r and w x r are told, so is what v and w have without r, together with what r has
without both; and the three other sets of that kind. None of them needs more than sums.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.release.pairs import CELL
from pipeline.release.sets import distinct

_SIDES: Final = {
    "v": ["value"],
    "w": ["across"],
    "r": ["third"],
    "vw": ["value", "across"],
    "vr": ["value", "third"],
    "wr": ["across", "third"],
    "vwr": ["value", "across", "third"],
    "n": [],
}
"""Name of a sum → what tells its rows apart in a window."""


def triangles(rows: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return the cells (window, value, across) that may not be told beside a third column.

    ``rows``: window, value, across, third (codes, as the day shows them) and visitor. A set is
    taken for safe where one of its two parts has k visitors for certain: those of a larger set,
    less those of the smaller ones in it. One that is empty stands for nobody.
    """
    pairs = rows.select(CELL).unique()
    every = pairs.join(rows.select("window", "third").unique(), on="window")
    for name, keys in _SIDES.items():
        of = ["window", *keys]
        counts = rows.group_by(of).agg(
            distinct().cast(pl.Int64).alias(name), pl.len().cast(pl.Int64).alias(f"{name} rows")
        )
        every = every.join(counts, on=of, how="left")
    every = every.with_columns(pl.col(pl.Int64).fill_null(0))
    unsafe = [
        _unsafe(("vw", "vwr"), ("r", "vr", "wr"), k),
        _unsafe(("vr", "vwr"), ("w", "vw", "wr"), k),
        _unsafe(("wr", "vwr"), ("v", "vw", "vr"), k),
        _unsafe(("vwr",), ("n", "v", "w", "r"), k, outside=True),
    ]
    return every.filter(pl.any_horizontal(unsafe)).select(CELL).unique()


def _unsafe(
    one: tuple[str, ...], other: tuple[str, ...], k: int, *, outside: bool = False
) -> pl.Expr:
    """Return whether two parts of a set, each a sum less others, may be too few visitors."""
    few = pl.max_horizontal(_less(one, ""), _less(other, "")) < k
    overlap = pl.col("vwr rows")
    if outside:
        overlap = pl.col("vw rows") + pl.col("vr rows") + pl.col("wr rows") - overlap
    empty = _less(one, " rows") + _less(other, " rows") + overlap == 0
    return few & ~empty


def _less(names: tuple[str, ...], kind: str) -> pl.Expr:
    first, *rest = (pl.col(f"{name}{kind}") for name in names)
    for taken in rest:
        first = first - taken
    return first
