"""Which rows may be added to what a window has published (docs/release.md, may_join)."""

from __future__ import annotations

import polars as pl

from pipeline.release.rules import may_join
from pipeline.release.sets import distinct


def joining(rows: pl.DataFrame, known: pl.Expr, k: int, *, growth: bool) -> pl.Series:
    """Return the cells whose added rows may join the ``known`` rows that are shown with them.

    ``rows``: add (Boolean), visitor, cell, and shown, the cell as it is published. Several cells
    are shown as one where a leaf stands within several values of its parent; a visitor who is
    known in one of them is not new to the sum.
    """
    added = rows.filter("add").select("cell", "shown", "visitor")
    touched = added.group_by("cell").agg(touched=distinct())
    near = known & pl.col("shown").is_in(added["shown"].unique().implode())
    held = rows.filter(near).select("cell", "shown", "visitor")
    if held.is_empty():
        return touched.filter(pl.col("touched") >= k).get_column("cell")
    if not growth:
        based = pl.col("cell").is_in(held["cell"].unique().implode())
        return touched.filter((pl.col("touched") >= k) | based).get_column("cell")
    new = added.join(held, on=["shown", "visitor"], how="anti").group_by("cell").agg(new=distinct())
    counts = touched.join(new, on="cell", how="left").with_columns(pl.col("new").fill_null(0))
    return counts.filter(may_join(pl.col("touched"), pl.col("new"), k)).get_column("cell")
