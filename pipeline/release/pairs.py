"""Which cells of a table of two dimensions may be shown (docs/release.md, rule P).

Its margins are public: what a value has in all, and what an across value has in all. So are the
differences that follow: a value less its shown cells, and an across value less its shown cells.

============  ======  ===========================================================
``window``    UInt32  the window, dense
``value``     UInt32  code of the value as its own table shows it, ``(other)`` too
``across``    UInt32  code of the other value, in the same way
``visitor``   UInt32  dense
============  ======  ===========================================================
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.release.rules import Rules, too_few
from pipeline.release.sets import distinct

CELL: Final = ["window", "value", "across"]
_OF_VALUE: Final = ["window", "value"]
_OF_ACROSS: Final = ["window", "across"]
_OWN: Final = pl.col("own")


Equal = tuple[str, str]
"""Two across values of which everybody knows that a value has as many of one as of the other."""


def shown(
    rows: pl.DataFrame,
    k: int,
    rules: Rules,
    codes: Codes,
    *,
    barred: pl.DataFrame | None = None,
    equal: Equal | None = None,
) -> pl.DataFrame:
    """Return the cells (window, value, across) that may be shown; ``barred`` ones never are.

    A value is *split* where at least one of its cells is shown; ``(other)`` is kept whole, since it
    hides the most and tells the least. What is hidden of an across value must be hidden by values
    that are not split, or whoever knows the split ones could take them away; and what is hidden of
    a split value must be safe by itself. Of ``equal`` ones both are shown, or none.
    """
    seen = rows.select(*CELL, "visitor").unique()
    cells = seen.group_by(CELL).agg(visitors=distinct())
    own = cells.filter(pl.col("visitors") >= k)
    if k > 1:
        own = own.filter(pl.col("value") != codes.other)
    if barred is not None:
        own = own.join(barred, on=CELL, how="anti")
    if k == 1 or own.is_empty():
        return own.select(CELL)
    cells = cells.with_columns(
        text=codes.decode(pl.col("value")), across_text=codes.decode(pl.col("across"))
    )
    own = cells.join(own, on=CELL, how="semi")
    # Whatever happens, these are never split: they need to be looked at once.
    split = own.select(_OF_VALUE).unique()
    whole = seen.join(split, on=_OF_VALUE, how="anti")
    seen = seen.join(split, on=_OF_VALUE, how="semi")
    whole = whole.select(*_OF_ACROSS, "visitor").unique()
    while not own.is_empty():
        hidden = _single(own, equal) if equal is not None else own.clear()
        if hidden.is_empty() and rules.rests:
            hidden = _rests(own, seen, k)
        if hidden.is_empty() and rules.pools:
            hidden = _unsplit(own, cells, seen, whole, k)
        if hidden.is_empty():
            break
        own = own.join(hidden, on=CELL, how="anti")
    return own.select(CELL)


def _single(own: pl.DataFrame, equal: Equal) -> pl.DataFrame:
    """Return the shown cells whose equal is not shown."""
    one = own.filter(pl.col("across_text").is_in(equal))
    both = one.group_by(_OF_VALUE).agg(n=pl.len()).filter(pl.col("n") == len(equal))
    return one.join(both, on=_OF_VALUE, how="anti")


def folded(
    rows: pl.DataFrame, name: str, k: int, codes: Codes, equal: Equal | None = None
) -> pl.Series:
    """Return the codes of a column that is in no table by itself, the small ones as ``(other)``.

    In each window the values of k visitors stand under their name, and the rest is safe; of
    ``equal`` ones both do, or none.
    """
    of = ["window", name]
    counts = rows.group_by(of).agg(visitors=distinct())
    own = counts.filter(pl.col("visitors") >= k)
    rest = rows.join(own, on=of, how="anti").group_by("window").agg(visitors=distinct())
    short = rest.filter(too_few(pl.col("visitors"), k)).select("window")
    texts = own.join(short, on="window", how="semi").with_columns(text=codes.decode(pl.col(name)))
    own = own.join(_first(texts, ["window"], "text"), on=of, how="anti")
    if equal is not None:
        one = own.filter(codes.decode(pl.col(name)).is_in(equal))
        both = one.group_by("window").agg(n=pl.len()).filter(pl.col("n") == len(equal))
        own = own.join(one.join(both, on="window", how="anti"), on=of, how="anti")
    marked = rows.select(of).join(
        own.select(*of, own=pl.lit(value=True)), on=of, how="left", maintain_order="left"
    )
    kept = pl.when(pl.col("own").is_not_null()).then(pl.col(name))
    return marked.select(kept.otherwise(pl.lit(codes.other, pl.UInt32))).to_series()


def _rests(own: pl.DataFrame, seen: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return the smallest shown cell of each split value of which too few are hidden."""
    near = seen.join(own.select(_OF_VALUE).unique(), on=_OF_VALUE, how="semi")
    rest = near.join(own, on=CELL, how="anti").group_by(_OF_VALUE).agg(visitors=distinct())
    short = rest.filter(too_few(pl.col("visitors"), k)).select(_OF_VALUE)
    return _first(own.join(short, on=_OF_VALUE, how="semi"), _OF_VALUE, "across_text")


def _unsplit(
    own: pl.DataFrame, cells: pl.DataFrame, seen: pl.DataFrame, whole: pl.DataFrame, k: int
) -> pl.DataFrame:
    """Return all cells of the smallest split values of each across value that is hidden badly.

    ``whole`` are the visitors of values that never were split, ``seen`` those of all others.
    """
    split = own.select(_OF_VALUE).unique()
    more = seen.join(split, on=_OF_VALUE, how="anti").select(*_OF_ACROSS, "visitor")
    pools = pl.concat([whole, more]).group_by(_OF_ACROSS).agg(pool=distinct())
    hidden = cells.join(own, on=CELL, how="anti").select(_OF_ACROSS).unique()
    short = (
        hidden.join(pools, on=_OF_ACROSS, how="left")
        .with_columns(pl.col("pool").fill_null(0))
        .filter(pl.col("pool") < k)
    )
    # So many values as would do if nobody was seen in two of them; then it is looked at again.
    taken = pl.col("visitors").cum_sum().over(_OF_ACROSS) - pl.col("visitors")
    victims = (
        cells.join(short, on=_OF_ACROSS)
        .join(split, on=_OF_VALUE, how="semi")
        .sort("visitors", "text", "across_text")
        .filter(pl.col("pool") + taken < k)
    )
    return own.join(victims, on=_OF_VALUE, how="semi")


def _first(cells: pl.DataFrame, by: list[str], *ties: str) -> pl.DataFrame:
    return cells.sort(*by, "visitors", *ties).unique(by, keep="first", maintain_order=True)
