"""From labels to the rows of the four tables: sums and distinct visitors per published cell."""

from __future__ import annotations

import polars as pl

from pipeline.codes import Codes
from pipeline.events import AUDIENCE
from pipeline.release.alone import single
from pipeline.release.rules import BITS
from pipeline.release.sets import distinct, pack
from pipeline.rows import TABLES

_WINDOW = ["site", "window_start"]


def empty(table: str) -> pl.DataFrame:
    """Return the table without rows: its columns and ``revision``."""
    return pl.DataFrame(schema={**TABLES[table], "revision": pl.UInt64()})


def traffic(table: str, rows: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Return the cells of a traffic table that gained rows in this edition.

    ``rows``: all published rows of the windows concerned, with window, site, window_start, audience
    (code), visitor, hits, bytes, edition (in which the row was published), new (Boolean: in this
    one).
    """
    cells = (
        rows.group_by(cell=pack("window", AUDIENCE))
        .agg(
            pl.col(*_WINDOW, AUDIENCE).first(),
            pl.col("hits", "bytes").sum(),
            distinct().alias("visitors"),
            *_gained(),
        )
        .filter("gained")
    )
    return _finish(table, cells.with_columns(codes.decode(pl.col("site", AUDIENCE))))


def breakdown(table: str, rows: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Return the cells of a breakdown table that gained rows in this edition.

    ``rows``: as for ``traffic``, with the dimensions (codes) and label.
    """
    parts = []
    windows = single(rows, pl.lit(value=True))
    # Of a dimension with one value, the cell is the window: counted once for all of them.
    whole = (
        rows.group_by("window")
        .agg(
            pl.col(*_WINDOW, *BITS).first(),
            pl.col("hits").sum(),
            distinct().alias("visitors"),
            *_gained(),
        )
        .filter("gained")
        if any(len(found) for found in windows.values())
        else None
    )
    for dimension, bit in BITS.items():
        many = rows
        if whole is not None and not windows[dimension].is_empty():
            here = pl.col("window").is_in(windows[dimension].implode())
            mine, many = whole.filter(here), rows.filter(~here)
            parts.append(
                mine.select(
                    *_WINDOW,
                    pl.col(dimension).alias("value"),
                    "hits",
                    "visitors",
                    "gained",
                    "revision",
                    dimension=pl.lit(dimension),
                )
            )
        if many.is_empty():
            continue
        own = pl.when(pl.col("label") & bit != 0).then(pl.col(dimension))
        shown = many.select(
            *_WINDOW,
            "window",
            "visitor",
            "hits",
            "edition",
            "new",
            value=own.otherwise(pl.lit(codes.other, dtype=pl.UInt32)),
        )
        parts.append(
            shown.group_by(cell=pack("window", "value"))
            .agg(
                pl.col(*_WINDOW, "value").first(),
                pl.col("hits").sum(),
                distinct().alias("visitors"),
                *_gained(),
            )
            .filter("gained")
            .select(
                *_WINDOW,
                "value",
                "hits",
                "visitors",
                "gained",
                "revision",
                dimension=pl.lit(dimension),
            )
        )
    cells = pl.concat(parts)
    return _finish(table, cells.with_columns(codes.decode(pl.col("site", "value"))))


def _gained() -> list[pl.Expr]:
    return [pl.col("new").any().alias("gained"), pl.col("edition").max().alias("revision")]


def _finish(table: str, cells: pl.DataFrame) -> pl.DataFrame:
    schema = {**TABLES[table], "revision": pl.UInt64()}
    keys = [name for name in schema if name not in {"hits", "bytes", "visitors", "revision"}]
    return cells.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(keys)
