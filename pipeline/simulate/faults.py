"""What goes wrong on the way into a log: bad lines, and lines that come late."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipeline.simulate.draws import draw
from pipeline.simulate.hits import MICROS, NONE

GOOD, CUT, NOISE, EMPTY, PAST, SIZE, LONG, HOST, CLOCK = range(9)
_ODDS: Final = np.cumsum([0.34, 0.2, 0.1, 0.12, 0.07, 0.01, 0.1, 0.06])
REASONS: Final = {
    CUT: "not_this_format",
    NOISE: "not_this_format",
    PAST: "time_out_of_range",
    SIZE: "bad_size",
    LONG: "too_long",
    HOST: "bad_address",
    CLOCK: "bad_time",
}
"""Fault → why the line is rejected. EMPTY is ignored, and that is its reason as well."""

_BYTES_AT_FAULT: Final = 1 << 60
_LONG: Final = 66_000
_LATEST: Final = 3 * 3600 * MICROS
_NOISE: Final = (
    "Traceback (most recent call last):",
    "PHP Warning:  Undefined variable in the template of the front page",
    "\ufffe\ufffe\ufffe *** log rotated ***",
    "kernel: Out of memory: killed process",
)


def faulty(
    rng: np.random.Generator, hits: pl.DataFrame, *, bad: float, late: float
) -> pl.DataFrame:
    """Add ``fault`` (one of the above), ``arrival`` (microseconds since 1970 UTC) and ``late``."""
    count = len(hits)
    whole = (hits["target"] != NONE).to_numpy()  # what was no request is bad enough
    fault = np.where((rng.random(count) < bad) & whole, 1 + draw(rng, _ODDS, count), GOOD)
    delay = np.where(rng.random(count) < late, rng.integers(60 * MICROS, _LATEST, count), 0)
    return hits.with_columns(
        fault=pl.Series(fault), arrival=pl.col("time") + pl.Series(delay), late=pl.Series(delay > 0)
    )


def before_writing(requests: pl.DataFrame) -> pl.DataFrame:
    """Put faults into the values: a clock that starts in 1970, a huge size, an endless target."""
    fault = pl.col("fault")
    return requests.with_columns(
        time=pl.when(fault == PAST).then(pl.col("time") % (3600 * MICROS)).otherwise("time"),
        bytes=pl.when(fault == SIZE).then(_BYTES_AT_FAULT).otherwise("bytes"),
        target=pl.when(fault == LONG).then(pl.lit("/search?q=" + "a" * _LONG)).otherwise("target"),
    )


def with_host_names(requests: pl.DataFrame) -> pl.DataFrame:
    """Give names in place of addresses where the fault is that, as ``HostnameLookups On`` does."""
    name = pl.lit("dialup-17.customers.example")
    return requests.with_columns(
        address=pl.when(pl.col("fault") == HOST).then(name).otherwise("address")
    )


def after_writing(lines: pl.Series, fault: pl.Series, *, clf: bool) -> pl.Series:
    """Put faults into the lines: cut off, not of the log at all, empty, an impossible day.

    ``clf`` says that a line can have HOST and CLOCK; in other formats they are cut off instead.
    """
    frame = pl.DataFrame([lines.alias("line"), fault.alias("fault")])
    if frame["fault"].max() in (None, GOOD):
        return lines
    line, kind = pl.col("line"), pl.col("fault")
    shorter = line.str.head(line.str.len_chars() // 4)
    noise = pl.lit(pl.Series(_NOISE)).gather(pl.int_range(pl.len()) % len(_NOISE))
    return frame.select(
        pl.when(kind == CUT if clf else kind.is_in([CUT, HOST, CLOCK]))
        .then(shorter)
        .when(kind == NOISE)
        .then(noise)
        .when(kind == EMPTY)
        .then(pl.lit(""))
        .when(kind == CLOCK)
        .then(line.str.replace(r"\[[0-9]{2}/", "[00/"))
        .otherwise(line)
    ).to_series()


def encoded(text: str) -> bytes:
    """Return a file's bytes; U+FFFE, which no log writes, stands for bytes that are no text."""
    if "\ufffe" not in text:
        return text.encode()
    return text.encode().replace("\ufffe".encode(), b"\xff\xfe")
