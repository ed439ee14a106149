"""Sites and times at which a dimension has one value only: decided once for all such dimensions.

A web server's lines have no widget's language, and most small sites one kind of this or that. Such
a dimension does not cut its window, so all of them are labelled alike; to work that out for each
would cost as much as for one that has thousands of values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from pipeline.release.rules import BITS, Rules

Label = tuple[pl.Series, pl.Series]
"""Per row whether it stands under its own value, and the wholes that must wait."""

Work = Callable[[pl.DataFrame, str, pl.Series | None], Label]
"""Labels rows by a dimension; the last says per row whether its parent value has a cell. It is None
where the dimension is to be taken as one within no other."""

_LOOK: Final = 1_000
"""So many rows are looked at first, where there are more."""
_ALL_BITS: Final = sum(BITS.values())


class Alone:
    """Knows which dimensions have one value where; ``work`` labels by one that has more."""

    def __init__(self, rows: pl.DataFrame, rules: Rules, work: Work) -> None:
        """``rows``: whole, the dimensions (codes), base, label; as an edition has them."""
        self._rows = rows
        self._rules = rules
        self._work = work
        self._wholes = single(rows, pl.col("base"), "whole")
        self._shared: Label | None = None

    def label(self, dimension: str, inside: pl.Series | None) -> Label:
        """Return what ``work`` would for all rows."""
        wholes = self._wholes[dimension]
        if inside is not None:
            # Where the parent has one value as well, its cell is the same rows, and goes the same
            # way: a row that is not inside does not join here either.
            parent = self._wholes[str(self._rules.parent(dimension))]
            wholes = wholes.filter(wholes.is_in(parent.implode()))
        if wholes.is_empty():
            return self._several(self._rows, dimension, inside)
        own, lost = self._alike()
        lost = lost.filter(lost.is_in(wholes.implode()))
        many = ~self._rows.get_column("whole").is_in(wholes.implode())
        if not many.any():
            return own, lost
        rest = None if inside is None else inside.filter(many)
        more, also_lost = self._several(self._rows.filter(many), dimension, rest)
        apart = _placed(many, more)
        return (own & ~many) | apart, pl.concat([lost, also_lost])

    def _several(self, rows: pl.DataFrame, dimension: str, inside: pl.Series | None) -> Label:
        """Label rows by a dimension that has several values.

        Where its parent has one, and all of its rows a cell, it partitions the window itself.
        """
        if inside is None:
            return self._work(rows, dimension, None)
        whole = rows.get_column("whole")
        flat = self._wholes[str(self._rules.parent(dimension))]
        flat = flat.filter(~flat.is_in(whole.filter(~inside).unique().implode()))
        alike = whole.is_in(flat.implode())
        if alike.all():
            return self._work(rows, dimension, None)
        if not alike.any():
            return self._work(rows, dimension, inside)
        one, lost = self._work(rows.filter(alike), dimension, None)
        two, also_lost = self._work(rows.filter(~alike), dimension, inside.filter(~alike))
        return _placed(alike, one) | _placed(~alike, two), pl.concat([lost, also_lost])

    def _alike(self) -> Label:
        """Return the label of all rows by a dimension of one value."""
        if self._shared is None:
            name = next(name for name in BITS if self._rules.parent(name) is None)
            rows = self._rows.with_columns(
                pl.lit(0, pl.UInt32).alias(name), pl.lit(_ALL_BITS, pl.UInt32).alias("label")
            )
            self._shared = self._work(rows, name, None)
        return self._shared


def _placed(rows: pl.Series, label: pl.Series) -> pl.Series:
    """Return ``label`` at the chosen ``rows``, and false at all others."""
    return pl.repeat(False, len(rows), eager=True).scatter(rows.arg_true(), label)  # noqa: FBT003


def single(rows: pl.DataFrame, shown: pl.Expr, by: str) -> dict[str, pl.Series]:
    """Return for each dimension the values of ``by`` where it has one value, and no other label.

    That is, where every row that is ``shown`` already stands under its own value.
    """
    bits = pl.when(shown).then("label").otherwise(pl.lit(_ALL_BITS, pl.UInt32)).bitwise_and()
    names = _candidates(rows, by)
    found = _one_value(rows, by, names, bits.alias("bits"))
    none = rows.get_column(by).clear()
    return {
        name: found.filter(pl.col(name) & (pl.col("bits") & bit != 0)).get_column(by)
        if name in names
        else none
        for name, bit in BITS.items()
    }


def _candidates(rows: pl.DataFrame, by: str) -> list[str]:
    """Return the dimensions that a look at a few rows does not show to vary everywhere."""
    if rows.height <= _LOOK:
        return list(BITS)
    seen = _one_value(rows.gather_every(rows.height // _LOOK), by, list(BITS))
    if seen.height < rows.get_column(by).n_unique():
        return list(BITS)
    return [name for name in BITS if seen.get_column(name).any()]


def _one_value(rows: pl.DataFrame, by: str, names: list[str], *more: pl.Expr) -> pl.DataFrame:
    """Return for each value of ``by`` whether each dimension has one value there."""
    return rows.group_by(by).agg(
        *more, *((pl.col(name).min() == pl.col(name).max()).alias(name) for name in names)
    )
