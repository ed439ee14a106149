"""Which rows may be added to the traffic of their windows (docs/release.md, *The most that may*).

May_join is asked of the rows of each segment, and of those of all segments of an audience, which
are published together. Two sets of rows that may join may join together; so there is a largest one,
and what is not in it waits: all rows of segments that too few are added to, and where too few
visitors are new, theirs.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.release.rules import Rules, too_few
from pipeline.release.sets import VISITOR

_SEGMENT: Final = ["window", "visitor"]
_AUDIENCE: Final = ["audience", "visitor"]


def admitted(rows: pl.DataFrame, k: int, rules: Rules, *, growth: bool) -> pl.Series:
    """Return for each row that is not ``base`` whether it joins its window, false for the others.

    ``rows``: whole and window (UInt32), robot (Boolean), visitor (UInt32), base (Boolean: already
    published).
    """
    base = pl.col("base")
    if not rows.get_column("base").any():
        # All are new, and so there are as many of those.
        return rows.select(VISITOR.n_unique().over("window") >= k).to_series()
    audience = pl.col("whole").cast(pl.UInt64) * 2 + pl.col("robot").cast(pl.UInt64)
    placed = rows.select(*_SEGMENT, "base", audience=audience if rules.combined else "window")
    columns = ["window", "audience", "visitor"]
    held = placed.filter(base).select(columns).unique()
    left = placed.filter(~base).select(columns).unique()
    for name, of in (("new", _SEGMENT), ("strange", _AUDIENCE)):
        known = held.select(*of, pl.lit(value=True).alias(name)).unique()
        left = left.join(known, on=of, how="left").with_columns(pl.col(name).is_null())
    enough = pl.len().over("window") >= k
    if growth:
        few_new = too_few(pl.col("new").sum().over("window"), k)
        strangers = VISITOR.filter("strange").n_unique().over("audience")
        enough &= ~(pl.col("new") & few_new) & ~(pl.col("strange") & too_few(strangers, k))
    else:
        enough |= pl.col("window").is_in(held["window"].unique().implode())
    while True:
        more = left.filter(enough)
        if more.height == left.height:
            break
        left = more
    joins = left.select(_SEGMENT).with_columns(joins=True)
    marked = placed.join(joins, on=_SEGMENT, how="left", maintain_order="left")
    return marked.select(~base & pl.col("joins").is_not_null()).to_series()
