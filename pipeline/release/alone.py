"""Sites and times at which a dimension has one value only: there it does not cut its window."""

from __future__ import annotations

from itertools import compress
from typing import Final

import polars as pl

from pipeline.release.rules import BITS

_LOOK: Final = 1_000
"""So many rows are looked at first, where there are more."""
_ALL_BITS: Final = sum(BITS.values())


def single(rows: pl.DataFrame, shown: pl.Expr, by: str) -> dict[str, frozenset[int]]:
    """Return for each dimension the values of ``by`` where it has one value, and no other label.

    That is, where every row that is ``shown`` already stands under its own value.
    """
    bits = pl.when(shown).then("label").otherwise(pl.lit(_ALL_BITS, pl.UInt32)).bitwise_and()
    names = _candidates(rows, by)
    found = _one_value(rows, by, names, bits.alias("bits"))
    alone = found.select(pl.col(name) & (pl.col("bits") & BITS[name] != 0) for name in names)
    places = found.get_column(by).to_list()
    flags = alone.to_dict(as_series=False)
    return {name: frozenset(compress(places, flags.get(name, []))) for name in BITS}


def _candidates(rows: pl.DataFrame, by: str) -> list[str]:
    """Return the dimensions that a look at a few rows does not show to vary everywhere."""
    if rows.height <= _LOOK:
        return list(BITS)
    few = rows.select(by, *BITS).gather_every(rows.height // _LOOK)
    seen = _one_value(few, by, list(BITS))
    if seen.height < rows.get_column(by).n_unique():
        return list(BITS)
    return [name for name in BITS if seen.get_column(name).any()]


def _one_value(rows: pl.DataFrame, by: str, names: list[str], *more: pl.Expr) -> pl.DataFrame:
    """Return for each value of ``by`` whether each dimension has one value there."""
    return rows.group_by(by).agg(
        *more, *((pl.col(name).min() == pl.col(name).max()).alias(name) for name in names)
    )
