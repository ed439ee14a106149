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
    if early.equals(late):
        return early
    starts = context.starts
    frame = pl.DataFrame([local.alias("local"), early.alias("early"), late.alias("late")])
    frame = frame.with_columns(
        pl.lit(0).alias("message")
        if starts is None
        else starts.cast(pl.UInt32).cum_sum().alias("message")
    ).with_columns(
        (pl.col("local").cum_max().over("message") - pl.col("local") > _JUMP).alias("second")
    )
    second = (
        pl.when(pl.col("second").any().over("message"))
        .then("second")
        .otherwise(pl.lit(context.live) & (pl.col("late") <= context.now + _SLACK))
    )
    chosen = pl.when(second).then("late").otherwise("early").alias("time")
    return frame.select(chosen).to_series()
