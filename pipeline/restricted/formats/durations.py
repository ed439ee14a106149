"""Response times as servers write them, in microseconds.

A number in the unit of its slot; or with a unit of its own behind it, as Go and Google Cloud write
durations; or several, as nginx writes of the upstreams it tried, which are added up.

Whole numbers of seconds (Apache's ``%T``) are no times here: 0 stands for anything under a second,
and were only the others told, everything would seem slow.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.pieces import empty_as_null

_SECOND: Final = 1e6
DURATIONS: Final[dict[str, float]] = {
    "response_ns": 1e-3,
    "response_us": 1.0,
    "response_ms": 1e3,
    "response_s": _SECOND,
    "response_times": _SECOND,
}
"""Slot → microseconds in its unit. Where a line has several of them, the first here that says
something counts; ``response_times`` holds several numbers of seconds."""

_LONGEST: Final = 86_400 * _SECOND
"""Nothing takes longer than a day: such a number is of another unit, or of a clock that was set."""
_WHOLE: Final = "^[0-9]+$"
_LOST: Final = 0.000_5
"""What a binary fraction may lack of a whole number of microseconds."""
_SPELT: Final = (
    r"^(?:(?P<h>[0-9]+)h)?(?:(?P<m>[0-9]+)m)?(?:(?P<n>[0-9]*\.?[0-9]+)(?P<unit>ns|us|µs|μs|ms|s))?$"
)
"""Go's ``time.Duration``: ``1m2.5s``, ``350µs``; Google's ``3.5s`` is one of these."""
_UNITS: Final = {"ns": 1e-3, "us": 1.0, "µs": 1.0, "μs": 1.0, "ms": 1e3, "s": _SECOND}
_NUMBERS: Final = r"-?[0-9]+(?:\.[0-9]+)?"
_SEVERAL: Final = rf"^(?:-|{_NUMBERS})(?:[,: ]+(?:-|{_NUMBERS}))+$"


def response_times(found: pl.DataFrame) -> pl.Series:
    """Return microseconds (Int64) of the first slot of DURATIONS that says some, else null."""
    slots = [slot for slot in DURATIONS if slot in found.columns]
    said = found.select(empty_as_null(pl.col(slot)).alias(slot) for slot in slots)
    told = [micros(said[slot], DURATIONS[slot]) for slot in slots]
    if not told:
        return pl.repeat(None, found.height, dtype=pl.Int64, eager=True).alias("response_time")
    return pl.select(pl.coalesce(told).alias("response_time")).to_series()


def micros(times: pl.Series, per: float) -> pl.Series:
    """Return whole microseconds of times written out, ``per`` a unit; null for what is none."""
    if per == _SECOND:
        times = times.set(times.str.contains(_WHOLE).fill_null(value=False), None)
    number = times.cast(pl.Float64, strict=False) * per
    odd = number.is_null() & times.is_not_null()
    if odd.any():
        number = number.scatter(odd.arg_true(), _odd(times.filter(odd), per))
    sound = number.is_between(0, _LONGEST)
    whole = pl.when(pl.lit(sound)).then(pl.lit(number + _LOST)).floor().cast(pl.Int64)
    return pl.select(whole).to_series()


def _odd(times: pl.Series, per: float) -> pl.Series:
    """Return microseconds of what is no plain number."""
    parts = times.str.extract_groups(_SPELT).struct.unnest().with_columns(times.alias("text"))
    unit = pl.col("unit").replace_strict(_UNITS, default=None, return_dtype=pl.Float64)
    amount = {name: pl.col(name).cast(pl.Float64, strict=False) for name in ("h", "m", "n")}
    spelt = pl.sum_horizontal(
        amount["h"] * 3_600e6, amount["m"] * 60e6, amount["n"] * unit, ignore_nulls=True
    )
    numbers = pl.col("text").str.extract_all(_NUMBERS).cast(pl.List(pl.Float64))
    several = pl.col("text").str.contains(_SEVERAL) & (numbers.list.min() >= 0)
    return parts.select(
        pl.when(pl.any_horizontal(pl.col("h", "m", "n").is_not_null()))
        .then(spelt)
        .when(several)
        .then(numbers.list.sum() * per)
    ).to_series()
