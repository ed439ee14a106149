"""Which cells' rows may be added to what a window has published (docs/release.md, may_join).

Several cells are shown as one where a leaf stands within several values of its parent, and all
segments' cells of a value in a wide one. They are added to it together, so what counts is how many
visitors are new to it with all of them; and a visitor who is known in one of them is not.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.release.sets import distinct

_LEVELS: Final = ("shown", "wide")


class Joining:
    """The most cells that may join what is shown.

    Two sets of cells that may join may join together, so there is a largest one: without a cell
    that is in no such set, and so on.
    """

    def __init__(self, rows: pl.DataFrame, known: pl.Expr, k: int, *, growth: bool) -> None:
        """``rows``: add (Boolean), visitor, cell, and shown and wide, the cells as published.

        ``known``: whether a row is published in its cell. Where none is, only cell is needed.
        """
        self._k: Final = k
        touched = rows.lazy().filter("add").group_by("cell").agg(touched=distinct()).collect()
        self.cells: pl.Series = touched.filter(pl.col("touched") >= k).get_column("cell")
        self._new: dict[str, pl.DataFrame] = {}
        """Who is new, by what the cells are shown in."""
        if not rows.select(known.any()).item():
            return
        if not growth:
            held = rows.filter(known).get_column("cell").unique()
            based = touched.get_column("cell").filter(touched["cell"].is_in(held.implode()))
            self.cells = pl.concat([self.cells, based]).unique()
            return
        columns = ["cell", *_LEVELS, "visitor"]
        candidates = pl.col("add") & pl.col("cell").is_in(self.cells.implode())
        added = rows.lazy().filter(candidates).select(columns).collect()
        near = known & pl.col("wide").is_in(added["wide"].unique().implode())
        seen = rows.lazy().filter(near).select(columns).collect()
        for level in _LEVELS:
            new = added.lazy().join(seen.lazy(), on=[level, "visitor"], how="anti")
            self._new[level] = new.select("cell", level, "visitor").unique().collect()
        self.without(self._few())

    def without(self, folded: pl.Series) -> pl.Series:
        """Take cells away; return those that may not join without them, which are gone as well."""
        lost = [self.cells.clear()]
        while not folded.is_empty():
            self.cells = self.cells.filter(~self.cells.is_in(folded.implode()))
            gone = pl.col("cell").is_in(folded.implode())
            self._new = {level: rows.filter(~gone) for level, rows in self._new.items()}
            folded = self._few()
            lost.append(folded)
        return pl.concat(lost)

    def _few(self) -> pl.Series:
        """Return the cells with visitors who are too few of those that are new to what is shown."""
        few = (
            rows.filter(distinct().over(level) < self._k).get_column("cell")
            for level, rows in self._new.items()
        )
        return pl.concat([self.cells.clear(), *few]).unique()
