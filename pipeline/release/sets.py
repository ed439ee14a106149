"""Counting distinct visitors of sets of rows, and choosing which cell gives way.

The frames here are ``Cells``: one row per row of a window that a dimension still has to label.

==========  =======  ==========================================================
``whole``   UInt32   site and time, dense
``window``  UInt32   site, time and segment, dense
``space``   UInt32   the universe that the dimension partitions: window, or
                     window and parent value, dense
``value``   UInt32   code of the dimension's value
``cell``    UInt64   space and value in one key
``shown``   UInt64   window and value in one key: the cell as it is published, which
                     is several of these where a leaf has several parent values
``wide``    UInt64   whole and value in one key: the cell of all segments together
``visitor`` UInt32   dense
==========  =======  ==========================================================
"""

from __future__ import annotations

import polars as pl

from pipeline.codes import Codes
from pipeline.release.rules import Rules

_SHIFT = 1 << 32
VISITOR = pl.col("visitor")


def pack(high: str, low: str) -> pl.Expr:
    """Return two UInt32 columns as one UInt64 key, which groups faster than a pair."""
    return pl.col(high).cast(pl.UInt64) * _SHIFT + pl.col(low).cast(pl.UInt64)


def dense(key: pl.Expr) -> pl.Expr:
    """Return a key as UInt32 codes without gaps."""
    return key.rank("dense").cast(pl.UInt32)


def keys_of(rules: Rules) -> list[pl.Expr]:
    """Return cell, shown and wide, given whole, window, space and value."""
    shown = pack("window" if rules.shared else "space", "value")
    return [
        pack("space", "value").alias("cell"),
        shown.alias("shown"),
        (pack("whole", "value") if rules.combined else shown).alias("wide"),
    ]


def distinct(where: pl.Expr | None = None) -> pl.Expr:
    """Return the number of distinct visitors, of the rows ``where`` holds."""
    return (VISITOR if where is None else VISITOR.filter(where)).n_unique()


def smallest(cells: pl.DataFrame, by: str, codes: Codes) -> pl.Series:
    """Return for each ``by`` the ``cell`` with the fewest visitors, ties by the value's text.

    ``cells`` has the columns ``by``, value, cell, visitors. A leaf that stands within two values of
    its parent, with as many visitors in each, gives both of its cells: nothing tells which is
    first, as codes differ from run to run.
    """
    least = (
        cells.with_columns(text=codes.decode(pl.col("value")))
        .sort(by, "visitors", "text")
        .unique(by, keep="first", maintain_order=True)
    )
    return cells.join(least, on=[by, "visitors", "value"], how="semi").get_column("cell")
