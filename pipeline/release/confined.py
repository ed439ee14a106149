"""Pairs that the hours of the day would betray (docs/release.md, rule P, *confined*).

Where all of a value's rows are in one hour, and that hour showed it, everybody knows it. Its pair
with another value is then a part of what that hour said of the other value, and what is left there
must be safe as well.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.release.pairs import CELL
from pipeline.release.rules import too_few

_AT: Final = ["window", "hour", "across"]


def confined(rows: pl.DataFrame, bits: tuple[int, int], k: int) -> pl.DataFrame:
    """Return the cells that may not be shown, by either of their values.

    ``rows``: window, value, across (codes, as the day shows them), visitor, hour, base, label (how
    the hour showed it); ``bits`` are those of the two dimensions in a label.
    """
    turned = rows.rename({"value": "across", "across": "value"})
    found = [_barred(rows, bits, k), _barred(turned, (bits[1], bits[0]), k).select(*CELL)]
    other_way = found[1].rename({"value": "across", "across": "value"})
    return pl.concat([found[0], other_way.select(CELL)]).unique()


def _barred(rows: pl.DataFrame, bits: tuple[int, int], k: int) -> pl.DataFrame:
    told = [pl.col("base") & (pl.col("label") & bit != 0) for bit in bits]
    alone = (
        rows.group_by("window", "value")
        .agg(pl.col("hour").min(), told[0].all().alias("told"), last=pl.col("hour").max())
        .filter(pl.col("told") & (pl.col("hour") == pl.col("last")))
        .select("window", "value", "hour")
    )
    if alone.is_empty():
        return pl.DataFrame(schema={name: rows.schema[name] for name in CELL})
    near = rows.filter(told[1]).join(alone.select("window", "hour").unique(), on=["window", "hour"])
    by_visitor = near.group_by(*_AT, "visitor").agg(
        pl.col("value").first(), values=pl.col("value").n_unique()
    )
    everybody = by_visitor.group_by(_AT).agg(all_of_them=pl.len())
    only = by_visitor.filter(pl.col("values") == 1).group_by(*_AT, "value").agg(gone=pl.len())
    pairs = near.select(*_AT, "value").unique().join(alone, on=["window", "hour", "value"])
    left = (
        pairs.join(everybody, on=_AT)
        .join(only, on=[*_AT, "value"], how="left")
        .with_columns(left=pl.col("all_of_them") - pl.col("gone").fill_null(0))
    )
    return left.filter(too_few(pl.col("left"), k)).select(CELL)
