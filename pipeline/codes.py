"""Text as integers while it is being counted, since rows repeat few values very often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import polars as pl

from pipeline.rows import OTHER

_CODE: Final = pl.UInt32()


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

    def recoded(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with their texts, coded elsewhere or not, in these codes.

        Polars would look the text of each row up; here each that is used is looked up once.
        """
        texts = defaultdict[pl.DataType, list[str]](list)
        for name, kind in rows.schema.items():
            if isinstance(kind, pl.Categorical) and kind != self.dtype:
                texts[kind].append(name)
        found = [
            column.cat.to(self.dtype)
            for kind, names in texts.items()
            for column in self._renewed(rows.select(names), kind)
        ]
        return rows.with_columns(*found, pl.col(pl.String).cast(self.dtype))

    def _renewed(self, texts: pl.DataFrame, kind: pl.DataType) -> Sequence[pl.Series]:
        """Return columns of texts that are coded in ``kind``, as numbers of these codes."""
        old = texts.select(pl.all().to_physical()).get_columns()
        used = pl.concat(column.unique() for column in old).unique().drop_nulls().sort()
        if used.is_empty():
            return old
        new = used.cat.to(kind).cast(self.dtype).to_physical()
        places = pl.repeat(0, used[-1] + 1, dtype=_CODE, eager=True).scatter(used, new)
        return [places.gather(column).alias(column.name) for column in old]
