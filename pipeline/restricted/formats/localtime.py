"""Times without an offset: local time of a zone, through the two hours a year when that is unclear.

When clocks go back, an hour comes twice. Lines of one message follow each other in one file, so
where their times jump back, those before are of the first pass and those after of the second. Where
no jump is seen, a live line is of the pass that is nearest to now, and an old one of the first.
Times in the hour that clocks skip in spring do not exist; they are null.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from pipeline.restricted.formats.fields import Context

_JUMP: Final = pl.duration(minutes=30)
"""Farther back than this is no disorder of requests that end out of order, but the clock."""
_SLACK: Final = 60
"""Seconds that a live line's clock may be ahead of ours."""


@lru_cache(maxsize=1_000)
def is_zone(name: str) -> bool:
    """Tell whether there is a time zone of that name (IANA)."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zoned_seconds(stamp: pl.Series, form: str, context: Context) -> pl.Series:
    """Return seconds since 1970 UTC (Int64) of times written by ``form``; null where unreadable.

    ``form`` has chrono's directives; with ``%z`` among them the offset counts, and no zone.
    """
    read = stamp.str.to_datetime(form, strict=False, time_unit="us")
    if "%z" in form or "%#z" in form:
        return read.dt.epoch("s").alias(stamp.name)
    return local_seconds(read, context).alias(stamp.name)


def local_seconds(local: pl.Series, context: Context) -> pl.Series:
    """Return seconds since 1970 UTC of local times (Datetime without zone) in the log's zone."""
    if context.zone == "UTC":
        return local.dt.epoch("s")
    early, late = (
        local.dt.replace_time_zone(context.zone, ambiguous=which, non_existent="null").dt.epoch("s")
        for which in ("earliest", "latest")
    )
    twice = (early != late).fill_null(value=False)
    if not twice.any():
        return early
    second = twice & _second_pass(local, late, twice, context)
    return late.zip_with(second, early)


def _second_pass(
    local: pl.Series, late: pl.Series, twice: pl.Series, context: Context
) -> pl.Series:
    """Tell of each line whether it is of the second pass (Boolean), where ``twice`` is true."""
    starts = context.starts
    if starts is None:
        starts = pl.Series([False]).new_from_index(0, len(local))
    day = [starts.cast(pl.UInt32).cum_sum().alias("message"), local.dt.date().alias("day")]
    frame = pl.DataFrame([local.alias("local"), late.alias("late"), twice.alias("twice"), *day])
    hour = ("message", "day", "twice")
    jumped = (pl.col("local").cum_max() - pl.col("local") > _JUMP).cum_max().over(hour)
    now = pl.lit(context.live) & (pl.col("late") <= context.now + _SLACK)
    second = pl.when(jumped.any().over(hour)).then(jumped).otherwise(now)
    return frame.select(second.alias("second")).to_series().fill_null(value=False)
