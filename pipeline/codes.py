"""Text as integers while it is being counted, since rows repeat few values very often."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.rows import OTHER


class Codes:
    """A dictionary of texts, shared by all columns of a state; grows with each new text.

    Codes say nothing about order and differ from run to run: decisions must never compare them.
    """

    def __init__(self) -> None:
        self.dtype: Final = pl.Categorical(pl.Categories.random())
        # Polars forgets a dictionary that no column uses; this column keeps it.
        self._anchor: Final = pl.Series([OTHER], dtype=pl.String).cast(self.dtype)
        self.other: Final[int] = self._anchor.to_physical()[0]

    def encode(self, columns: pl.Expr) -> pl.Expr:
        """Return text columns as UInt32; a missing text counts as an empty one."""
        return columns.cast(self.dtype).fill_null("").to_physical()

    def decode(self, columns: pl.Expr) -> pl.Expr:
        """Return UInt32 columns as text."""
        return columns.cat.to(self.dtype).cast(pl.String)
