"""A null hides a value, it does not remove it.

Where Polars makes a null of a value (``when`` without ``otherwise``, ``replace_strict``), the
value stays in memory beneath the validity bit, and Arrow IPC writes it out. Whatever leaves a room
as Arrow IPC goes through here first; Parquet writes no value for a null.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_BLANKS: Final[dict[type[pl.DataType], object]] = {
    pl.String: "",
    pl.Categorical: "",
    pl.Binary: b"",
    pl.Boolean: False,
}


def blanked(rows: pl.DataFrame) -> pl.DataFrame:
    """Return equal rows, with nothing beneath their nulls but zeros and empty strings."""
    return rows.with_columns(
        pl.when(pl.col(column.name).is_not_null()).then(
            pl.col(column.name).fill_null(
                pl.lit(_BLANKS.get(type(column.dtype), 0), dtype=column.dtype)
            )
        )
        for column in rows.iter_columns()
        if column.null_count()
    )
