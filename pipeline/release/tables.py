"""From labels to the rows of the tables: sums and distinct visitors per published cell."""

from __future__ import annotations

from functools import cache
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
_PLACE: Final = ["site", "window_start"]
_AUDIENCE: Final = pl.when("robot").then(pl.lit(BOT)).otherwise(pl.lit("human")).alias("audience")
_COUNTED: Final = ["hits", "visitors", "gained", "revision"]
_AT_ONCE: Final = 1_000_000
"""So many rows are counted in one pass, or those of one dimension."""
_SHIFT: Final = 1 << 32


@cache
def empty(table: str) -> pl.DataFrame:
    """Return the table without rows: its columns and ``revision``."""
    return pl.DataFrame(schema={**TABLES[table], "revision": pl.UInt64()})


def made(pace: str, rows: pl.DataFrame, codes: Codes) -> dict[str, pl.DataFrame]:
    """Return table → the cells that gained rows in this edition; ``pace`` is hourly or daily.

    ``rows``: all published rows of the wholes concerned, with whole, window, site, window_start,
    segment (code), robot, the dimensions (codes), visitor, hits, bytes, label, edition (in which
    the row was published), new (Boolean: in this one).
    """
    segments = rows.group_by("window").agg(pl.col(*_PLACE, SEGMENT).first(), *_sums())
    audiences = rows.group_by("whole", "robot").agg(pl.col(_PLACE).first(), *_sums())
    found = {
        f"traffic_{pace}": _traffic(f"traffic_{pace}", audiences, _AUDIENCE, codes),
        f"segment_{pace}": _traffic(
            f"segment_{pace}", segments, codes.decode(pl.col(SEGMENT)), codes
        ),
    }
    alone = single(rows, pl.lit(value=True), "whole")
    wholes = rows.get_column("whole").n_unique()
    alike = [name for name, where in alone.items() if len(where) == wholes]
    parts: dict[str, list[pl.DataFrame]] = {prefix: [] for prefix in _LEVELS}
    others = [name for name in BITS if name not in alike]
    at_once = max(1, _AT_ONCE // rows.height)
    for first in range(0, len(others), at_once):
        some = others[first : first + at_once]
        stacked = _stacked(rows, some, codes)
        for prefix, (by, _) in _LEVELS.items():
            parts[prefix].append(_many(stacked, by, some))
    for prefix, (by, apart) in _LEVELS.items():
        table = f"{prefix}breakdown_{pace}"
        places = (audiences if by == "whole" else segments).unique(by).select(by, *_PLACE, *apart)
        if alike:
            parts[prefix].append(_alike(rows, by, alike))
        cells = pl.concat(parts[prefix]).join(places, on=by)
        told = codes.decode(pl.col("site", "value", *apart))
        found[table] = _finish(table, cells.with_columns(told))
    return found


def _traffic(table: str, cells: pl.DataFrame, name: pl.Expr, codes: Codes) -> pl.DataFrame:
    told = cells.filter("gained").with_columns(codes.decode(pl.col("site")), name)
    return _finish(table, told)


def _alike(rows: pl.DataFrame, by: str, dimensions: list[str]) -> pl.DataFrame:
    """Return the cells of dimensions with one value: all rows, counted once for all of them."""
    cells = rows.group_by(by).agg(pl.col(dimensions).first(), *_counted()).filter("gained")
    told = cells.unpivot(
        on=dimensions, index=[by, *_COUNTED], variable_name="dimension", value_name="value"
    )
    return told.select(by, *_COUNTED, "dimension", "value")


def _stacked(rows: pl.DataFrame, dimensions: list[str], codes: Codes) -> pl.DataFrame:
    """Return the rows one below the other, once for each dimension: its number ``at``, its value.

    Of an hour, a pass costs more than its rows do.
    """
    told = rows.select("whole", "window", "visitor", "hits", "edition", "new")
    values = rows.select(_told(name, codes).alias(name) for name in dimensions)
    return pl.concat([told] * len(dimensions), rechunk=True).with_columns(
        at=pl.int_range(pl.len(), dtype=pl.UInt32) // rows.height,
        value=pl.concat(values.get_columns(), rechunk=True),
    )


def _many(stacked: pl.DataFrame, by: str, dimensions: list[str]) -> pl.DataFrame:
    """Return the cells of ``dimensions``, of which ``stacked`` has the rows."""
    place = pl.col(by).cast(pl.UInt64) * len(dimensions) + pl.col("at")
    cells = stacked.group_by(cell=place * _SHIFT + pl.col("value")).agg(*_counted())
    place = pl.col("cell") // _SHIFT
    return cells.filter("gained").select(
        (place // len(dimensions)).cast(pl.UInt32).alias(by),
        *_COUNTED,
        dimension=(place % len(dimensions)).replace_strict(
            dict(enumerate(dimensions)), return_dtype=pl.String
        ),
        value=(pl.col("cell") % _SHIFT).cast(pl.UInt32),
    )


def _told(dimension: str, codes: Codes) -> pl.Expr:
    """Return the code under which a row is told."""
    own = pl.when(pl.col("label") & BITS[dimension] != 0).then(pl.col(dimension))
    return own.otherwise(pl.lit(codes.other, dtype=pl.UInt32))


def _sums() -> list[pl.Expr]:
    return [pl.col("bytes").sum(), *_counted()]


def _counted() -> list[pl.Expr]:
    return [pl.col("hits").sum(), distinct().alias("visitors"), *_gained()]


def _gained() -> list[pl.Expr]:
    return [pl.col("new").any().alias("gained"), pl.col("edition").max().alias("revision")]


def _finish(table: str, cells: pl.DataFrame) -> pl.DataFrame:
    schema = {**TABLES[table], "revision": pl.UInt64()}
    keys = [name for name in TABLES[table] if name not in COUNTS]
    return cells.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(keys)
