"""Text as integers while it is being counted, since rows repeat few values very often."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import polars as pl

from pipeline.rows import OTHER

_CODE: Final = pl.UInt32()
_MANY: Final = 8_000
"""From so many rows on it is quicker to look at what texts there are first."""


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

    def code(self, text: str) -> pl.Expr:
        """Return the code of one text: rows are compared with it, or given it, by number."""
        return self.encode(pl.lit(text))

    def decode(self, columns: pl.Expr) -> pl.Expr:
        """Return UInt32 columns as text."""
        return columns.cat.to(self.dtype).cast(pl.String)

    def recoded(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with their texts, coded elsewhere or not, in these codes.

        Polars looks the text of each row up; of many rows each that is used is looked up once.
        """
        if rows.height < _MANY:
            return rows.with_columns(pl.col(pl.String, pl.Categorical).cast(self.dtype))
        texts = defaultdict[pl.DataType, list[str]](list)
        for name, kind in rows.schema.items():
            if isinstance(kind, pl.Categorical) and kind != self.dtype:
                texts[kind].append(name)
        found = [self._renewed(rows.select(names), kind) for kind, names in texts.items()]
        columns = [column for frame in found for column in frame.get_columns()]
        return rows.with_columns(*columns, pl.col(pl.String).cast(self.dtype))

    def _renewed(self, texts: pl.DataFrame, kind: pl.DataType) -> pl.DataFrame:
        """Return columns of texts that are coded in ``kind`` in these codes."""
        old = texts.select(pl.all().to_physical())
        each = old.select(pl.all().unique().implode()).unpivot(value_name="code")
        codes = each.select(pl.col("code").explode().drop_nulls().unique().sort()).to_series()
        if codes.is_empty():
            return texts.cast(self.dtype)
        new = codes.cat.to(kind).cast(self.dtype).to_physical()
        places = pl.lit(pl.repeat(0, codes[-1] + 1, dtype=_CODE, eager=True).scatter(codes, new))
        return old.select(
            places.gather(pl.col(name)).cat.to(self.dtype).alias(name) for name in old.columns
        )
