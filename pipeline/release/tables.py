"""From labels to the rows of the tables: sums and distinct visitors per published cell."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import BOT, SEGMENT
from pipeline.release.alone import single
from pipeline.release.rules import BITS
from pipeline.release.sets import distinct, pack
from pipeline.rows import COUNTS, TABLES

_LEVELS: Final = {"": ("whole", []), "segment_": ("window", [SEGMENT])}
"""What stands before the name of a breakdown → by what it is told apart, and the columns for it."""


def empty(table: str) -> pl.DataFrame:
    """Return the table without rows: its columns and ``revision``."""
    return pl.DataFrame(schema={**TABLES[table], "revision": pl.UInt64()})


def made(pace: str, rows: pl.DataFrame, codes: Codes) -> dict[str, pl.DataFrame]:
    """Return table → the cells that gained rows in this edition; ``pace`` is hourly or daily.

    ``rows``: all published rows of the wholes concerned, with whole, window, site, window_start,
    segment (code), robot, the dimensions (codes), visitor, hits, bytes, label, edition (in which
    the row was published), new (Boolean: in this one).
    """
    found = {
        f"traffic_{pace}": _traffic(f"traffic_{pace}", rows, "robot", codes),
        f"segment_{pace}": _traffic(f"segment_{pace}", rows, SEGMENT, codes),
    }
    for prefix in _LEVELS:
        table = f"{prefix}breakdown_{pace}"
        found[table] = _breakdown(table, rows, prefix, codes)
    return found


def _traffic(table: str, rows: pl.DataFrame, by: str, codes: Codes) -> pl.DataFrame:
    cells = (
        rows.group_by("whole", by)
        .agg(
            pl.col("site", "window_start").first(),
            pl.col("hits", "bytes").sum(),
            distinct().alias("visitors"),
            *_gained(),
        )
        .filter("gained")
        .with_columns(codes.decode(pl.col("site")))
    )
    if by == SEGMENT:
        return _finish(table, cells.with_columns(codes.decode(pl.col(SEGMENT))))
    audience = pl.when("robot").then(pl.lit(BOT)).otherwise(pl.lit("human"))
    return _finish(table, cells.with_columns(audience=audience))


def _breakdown(table: str, rows: pl.DataFrame, prefix: str, codes: Codes) -> pl.DataFrame:
    """Return the cells of a breakdown, of all segments together or of each."""
    by, apart = _LEVELS[prefix]
    place = ["site", "window_start", *apart]
    told = [*place, "value", "hits", "visitors", "gained", "revision"]
    counted = [pl.col("hits").sum(), distinct().alias("visitors"), *_gained()]
    parts = []
    alone = single(rows, pl.lit(value=True), by)
    # Of a dimension with one value, the cell is all of its rows: counted once for all of them.
    all_of_it = (
        rows.group_by(by).agg(pl.col(*place, *BITS).first(), *counted).filter("gained")
        if any(len(found) for found in alone.values())
        else None
    )
    for dimension, bit in BITS.items():
        many = rows
        if all_of_it is not None and not alone[dimension].is_empty():
            here = pl.col(by).is_in(alone[dimension].implode())
            mine, many = all_of_it.filter(here), rows.filter(~here)
            mine = mine.with_columns(pl.col(dimension).alias("value"))
            parts.append(mine.select(*told, dimension=pl.lit(dimension)))
        if many.is_empty():
            continue
        own = pl.when(pl.col("label") & bit != 0).then(pl.col(dimension))
        shown = many.select(
            by, *place, "visitor", "hits", "edition", "new",
            value=own.otherwise(pl.lit(codes.other, dtype=pl.UInt32)),
        )  # fmt: skip
        keyed = shown.group_by(cell=pack(by, "value"))
        cells = keyed.agg(pl.col(*place, "value").first(), *counted)
        parts.append(cells.filter("gained").select(*told, dimension=pl.lit(dimension)))
    cells = pl.concat(parts)
    return _finish(table, cells.with_columns(codes.decode(pl.col("site", "value", *apart))))


def _gained() -> list[pl.Expr]:
    return [pl.col("new").any().alias("gained"), pl.col("edition").max().alias("revision")]


def _finish(table: str, cells: pl.DataFrame) -> pl.DataFrame:
    schema = {**TABLES[table], "revision": pl.UInt64()}
    keys = [name for name in TABLES[table] if name not in COUNTS]
    return cells.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(keys)
