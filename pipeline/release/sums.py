"""Visitors and rows of closing days by some columns: what several triangles need, counted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from pipeline.release.pairs import CELL
from pipeline.release.sets import distinct


class Sums:
    """Counts rows by columns under the codes that the day tells them by."""

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
            counts = distinct().alias("visitors"), pl.len().alias("rows")
            found = self.rows(*key).group_by("window", *key).agg(counts)
            self._found[key] = found.with_columns(pl.col("visitors", "rows").cast(pl.Int64))
        return self._found[key]

    def rows(self, *names: str) -> pl.DataFrame:
        """Return window, visitor and the columns of every row."""
        columns = [self._column(name) for name in dict.fromkeys(names)]
        return self._rows.select("window", "visitor").with_columns(columns)

    def within(
        self, cells: pl.DataFrame, over: Sequence[str], names: Sequence[str], *, empty: bool
    ) -> pl.DataFrame:
        """Return the cells of two columns that lie in ``cells`` of the two they are within.

        ``cells``: window, value, across, of ``over``; the result is of ``names``: those that have
        rows, or (``empty``) all.
        """
        if list(over) == list(names):
            return cells
        if not empty:
            every = self._values(*over, *names)
            found = every.join(cells, left_on=["window", *over], right_on=CELL, how="semi")
            return found.select("window", value=names[0], across=names[1]).unique()
        for side, wide, narrow in zip(("value", "across"), over, names, strict=True):
            inside = self._values(wide, narrow).select("window", wide=wide, narrow=narrow)
            found = cells.join(inside, left_on=["window", side], right_on=["window", "wide"])
            cells = found.with_columns(pl.col("narrow").alias(side)).select(CELL)
        return cells.unique()

    def _values(self, *names: str) -> pl.DataFrame:
        return self.rows(*names).drop("visitor").unique()

    def _column(self, name: str) -> pl.Series:
        if name not in self._codes:
            self._codes[name] = self._rows.select(self._told(name).alias(name)).to_series()
        return self._codes[name]
