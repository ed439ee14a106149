"""A time in any of the ways in which JSON logs write one, told apart by its looks."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Context
from pipeline.restricted.formats.localtime import local_seconds
from pipeline.restricted.formats.pieces import clf_seconds, iso_seconds, unix_seconds

_LOCAL_FORMS: Final = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")


def any_seconds(stamp: pl.Series, context: Context) -> pl.Series:
    """Return seconds since 1970 UTC (Int64) of times as text; null where none can be read.

    Read are numbers (seconds, milli-, micro- or nanoseconds), ISO 8601, and the common log format.
    ISO 8601 without an offset is the local time of the log's zone. A batch is mostly of one kind,
    so each next kind is tried only on what those before it left.
    """
    found = _of(stamp, unix_seconds(pl.col("stamp")))
    for read in (iso_seconds(pl.col("stamp")), clf_seconds(pl.col("stamp"))):
        left = found.is_null() & stamp.is_not_null()
        if not left.any():
            return found
        found = found.scatter(left.arg_true(), _of(stamp.filter(left), read))
    left = found.is_null() & stamp.is_not_null()
    if not left.any():
        return found
    # Of all lines, since a clock that was set back shows only between neighbours.
    local = _of(
        stamp,
        pl.coalesce(
            pl.col("stamp").str.to_datetime(form, strict=False, time_unit="us")
            for form in _LOCAL_FORMS
        ),
    )
    return found.zip_with(~left, local_seconds(local, context))


def _of(stamp: pl.Series, expression: pl.Expr) -> pl.Series:
    return stamp.rename("stamp").to_frame().select(expression.alias("time")).to_series()
