"""From labels to the rows of the tables: sums and distinct visitors per published cell."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import BOT, SEGMENT
from pipeline.release.alone import single
from pipeline.release.rules import BITS
from pipeline.release.sets import distinct
from pipeline.rows import COUNTS, TABLES

_LEVELS: Final = {"": ("whole", []), "segment_": ("window", [SEGMENT])}
"""What stands before the name of a breakdown → by what it is told apart, and the columns for it."""
_COUNTED: Final = ["hits", "visitors", "gained", "revision"]
_AT_ONCE: Final = 1_000_000
"""So many rows are counted in one pass, or those of one dimension."""
_SHIFT: Final = 1 << 32


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
    alone = single(rows, pl.lit(value=True), "whole")
    wholes = rows.get_column("whole").n_unique()
    alike = [name for name, where in alone.items() if len(where) == wholes]
    for prefix in _LEVELS:
        table = f"{prefix}breakdown_{pace}"
        found[table] = _breakdown(table, rows, prefix, alike, codes)
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


def _breakdown(
    table: str, rows: pl.DataFrame, prefix: str, alike: list[str], codes: Codes
) -> pl.DataFrame:
    """Return the cells of a breakdown, of all segments together or of each.

    ``alike`` are the dimensions with one value wherever the rows are.
    """
    by, apart = _LEVELS[prefix]
    places = rows.group_by(by).agg(pl.col("site", "window_start", *apart).first())
    others = [name for name in BITS if name not in alike]
    at_once = max(1, _AT_ONCE // rows.height)
    parts = [
        *([_alike(rows, by, alike)] if alike else []),
        *(
            _many(rows, by, others[first : first + at_once], codes)
            for first in range(0, len(others), at_once)
        ),
    ]
    cells = pl.concat(parts).join(places, on=by)
    return _finish(table, cells.with_columns(codes.decode(pl.col("site", "value", *apart))))


def _alike(rows: pl.DataFrame, by: str, dimensions: list[str]) -> pl.DataFrame:
    """Return the cells of dimensions with one value: all rows, counted once for all of them."""
    cells = rows.group_by(by).agg(pl.col(dimensions).first(), *_counted()).filter("gained")
    told = cells.unpivot(
        on=dimensions, index=[by, *_COUNTED], variable_name="dimension", value_name="value"
    )
    return told.select(by, *_COUNTED, "dimension", "value")


def _many(rows: pl.DataFrame, by: str, dimensions: list[str], codes: Codes) -> pl.DataFrame:
    """Return the cells of dimensions, all in one pass: of an hour, a pass costs more than its rows.

    The rows stand one below the other, once for each dimension.
    """
    places = pl.col(by).cast(pl.UInt64) * len(dimensions)
    keys = rows.select(
        ((places + at) * _SHIFT + _told(name, codes)).alias(name)
        for at, name in enumerate(dimensions)
    )
    told = rows.select("visitor", "hits", "edition", "new")
    stacked = pl.concat([told] * len(dimensions), rechunk=True).with_columns(
        cell=pl.concat(keys.get_columns(), rechunk=True)
    )
    place = pl.col("cell") // _SHIFT
    return (
        stacked.group_by("cell")
        .agg(*_counted())
        .filter("gained")
        .select(
            (place // len(dimensions)).cast(pl.UInt32).alias(by),
            *_COUNTED,
            dimension=(place % len(dimensions)).replace_strict(
                dict(enumerate(dimensions)), return_dtype=pl.String
            ),
            value=(pl.col("cell") % _SHIFT).cast(pl.UInt32),
        )
    )


def _told(dimension: str, codes: Codes) -> pl.Expr:
    """Return the code under which a row is told."""
    own = pl.when(pl.col("label") & BITS[dimension] != 0).then(pl.col(dimension))
    return own.otherwise(pl.lit(codes.other, dtype=pl.UInt32))


def _counted() -> list[pl.Expr]:
    return [pl.col("hits").sum(), distinct().alias("visitors"), *_gained()]


def _gained() -> list[pl.Expr]:
    return [pl.col("new").any().alias("gained"), pl.col("edition").max().alias("revision")]


def _finish(table: str, cells: pl.DataFrame) -> pl.DataFrame:
    schema = {**TABLES[table], "revision": pl.UInt64()}
    keys = [name for name in TABLES[table] if name not in COUNTS]
    return cells.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(keys)
