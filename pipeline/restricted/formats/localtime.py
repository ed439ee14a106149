"""Times without an offset: local time of a zone, through the two hours a year when that is unclear.

When clocks go back, an hour comes twice. Lines of one message follow each other in one file, so
that their order tells the two passes apart: where the times jump back, those before are of the
first pass and those after of the second. Without a jump, a message that came from before the hour
is in the first pass, and one that goes on after it was in the second. Where nothing tells, a live
line is of the pass that is nearest to now, and an old one of the first. Times in the hour that
clocks skip in spring do not exist; they are null.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Context

_NEARBY: Final = 3
"""Lines on either side whose median is looked at: a line alone that is behind (a long download
carries the time it began) is no jump of the clock."""
_SLACK: Final = 60
"""Seconds that a live line's clock may be ahead of ours."""


_SOME_TIME: Final = pl.Series([dt.datetime(2000, 2, 3, 4, 5, 6)])  # noqa: DTZ001 - a local one


def is_form(form: str) -> bool:
    """Tell whether times can be written, and so read, by chrono's directives ``form``."""
    try:
        written = _SOME_TIME.dt.replace_time_zone("UTC").dt.strftime(form)
        return written.str.to_datetime(form, strict=False).null_count() == 0
    except pl.exceptions.PolarsError:
        return False


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
    message = pl.lit(0, pl.UInt32) if starts is None else pl.lit(starts.cast(pl.UInt32).cum_sum())
    frame = pl.DataFrame(
        [local.dt.epoch("s").alias("local"), early.alias("early"), late.alias("late")]
    ).with_columns(
        message.alias("message"), (pl.col("late") > pl.col("early")).fill_null(value=False)
        .alias("twice"), pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"),
    )  # fmt: skip
    twice = frame.with_columns(*_around()).filter("twice").with_columns(*_jump())
    second = (
        pl.when(pl.col("jumped").any().over("message"))
        .then("jumped")
        .when("from_before")
        .then(pl.lit(value=False))
        .when("goes_on")
        .then(pl.lit(value=True))
        .otherwise(pl.lit(context.live) & (pl.col("late") <= context.now + _SLACK))
    )
    late_ones = twice.filter(second)
    return early.scatter(late_ones["at"], late_ones["late"])


def _around() -> tuple[pl.Expr, ...]:
    """Tell whether a line's message has lines from before the hour that comes twice, and after."""
    local, twice = pl.col("local"), pl.col("twice")
    hour = pl.when(twice).then(local)
    return (
        (~twice & (local < hour.min())).any().over("message").alias("from_before"),
        (~twice & (local > hour.max())).any().over("message").alias("goes_on"),
    )


def _jump() -> tuple[pl.Expr, ...]:
    """Tell of the lines of the hour whether they stand behind the message's farthest jump back.

    A jump is of more than half the shift, and the lines about it are apart by a third of it.
    """
    local, shift = pl.col("local"), pl.col("late") - pl.col("early")
    back = local.shift(1) - local
    before = local.rolling_median(_NEARBY, min_samples=1).shift(1)
    after = local.reverse().rolling_median(_NEARBY, min_samples=1).reverse()
    far = pl.when((back * 2 > shift) & ((before - after) * 3 > shift)).then(back)
    jumped = (far == far.max()).fill_null(value=False).cum_max()
    return (jumped.over("message").alias("jumped"),)
