"""Which rows may be added to what a window has published (docs/release.md, may_join)."""

from __future__ import annotations

import polars as pl

from pipeline.release.rules import may_join
from pipeline.release.sets import distinct


def joining(rows: pl.DataFrame, known: pl.Expr, k: int, *, growth: bool) -> pl.Series:
    """Return the cells whose added rows may join the ``known`` rows that are shown with them.

    ``rows``: add (Boolean), visitor, cell, and shown and wide, the cells as they are published.
    Several cells are shown as one where a leaf stands within several values of its parent, and all
    segments' cells of a value in a wide one; a visitor who is known in one of them is not new to
    the sum.
    """
    columns = ["cell", "shown", "wide", "visitor"]
    added = rows.lazy().filter("add").select(columns).collect()
    touched = added.group_by("cell").agg(touched=distinct())
    if not rows.select(known.any()).item():
        return touched.filter(pl.col("touched") >= k).get_column("cell")
    near = known & pl.col("wide").is_in(added["wide"].unique().implode())
    held = rows.lazy().filter(near).select(columns).collect()
    if not growth:
        based = pl.col("cell").is_in(held["cell"].unique().implode())
        return touched.filter((pl.col("touched") >= k) | based).get_column("cell")
    joins = touched
    for level in ("shown", "wide"):
        new = added.join(held, on=[level, "visitor"], how="anti")
        joins = (
            joins.join(new.group_by("cell").agg(new=distinct()), on="cell", how="left")
            .filter(may_join(pl.col("touched"), pl.col("new").fill_null(0), k))
            .select("cell", "touched")
        )
    return joins.get_column("cell")
