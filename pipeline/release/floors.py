"""Dimensions whose own cells need more visitors than k, since they tell more of a person.

The floor says which cells there are, and nothing else: every rule that looks after what is folded,
or what can be worked out, goes by k (docs/release.md, *Floors*). A value that names no place needs
no floor, so a dimension of which nothing is known costs what any other of one value does.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import FLOORED, UNKNOWN
from pipeline.release.sets import distinct

_VALUE: Final = pl.col("value")


def where_needed(rows: pl.DataFrame, codes: Codes) -> dict[str, frozenset[int]]:
    """Return for each dimension with a floor the wholes in which one of its values needs it."""
    return {
        name: frozenset(rows.filter(names_place(pl.col(name), codes)).get_column("whole").unique())
        for name in FLOORED
    }


def reached(rows: pl.DataFrame, floor: int, codes: Codes) -> pl.Series:
    """Return the cells that have ``floor`` visitors, or need none.

    ``rows``: add and known (Boolean: added, or published under their own value), visitor, value,
    cell.
    """
    counts = rows.filter(pl.col("add") | pl.col("known")).group_by("cell", "value")
    enough = (pl.col("visitors") >= floor) | ~names_place(_VALUE, codes)
    return counts.agg(visitors=distinct()).filter(enough).get_column("cell")


def names_place(value: pl.Expr, codes: Codes) -> pl.Expr:
    """Return whether the code of a value is that of a place."""
    return value != codes.code(UNKNOWN)
