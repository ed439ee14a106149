"""What every format yields, and the checks that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.restricted.proxies import HEADER_COLUMNS, NO_PROXIES, Proxies

FIELDS: Final[dict[str, pl.DataType]] = {
    "address": pl.String(),
    "time": pl.Int64(),
    "method": pl.String(),
    "target": pl.String(),
    "status": pl.String(),
    "bytes": pl.UInt64(),
    "referrer": pl.String(),
    "agent": pl.String(),
    "host": pl.String(),
    "response_time": pl.Int64(),
}
"""Column → type of one parsed line.

``address`` canonical text; ``time`` seconds since 1970 UTC; ``method`` and ``target`` null where
the request was none; ``status`` three digits or null; ``bytes`` of the body; ``referrer`` and
``agent`` null where the client sent none; ``host`` null where the format does not say;
``response_time`` microseconds that the answer took, null where the format does not say.
"""

HEADERS: Final = tuple(HEADER_COLUMNS.values())
"""Columns a format may yield beside FIELDS, String: what was said of the client by somebody in
between (``X-Forwarded-For``, ``Forwarded``, ``X-Real-IP``, ``CF-Connecting-IP``,
``True-Client-IP``, the source in a PROXY header). ``address`` is then whoever connected."""

RAW_SCHEMA: Final[dict[str, pl.DataType]] = {"reject": pl.String(), **FIELDS}
"""``FIELDS`` led by ``reject``: null for a parsed line, else one of REJECTS."""

NOT_THIS_FORMAT: Final = "not_this_format"
BAD_ADDRESS: Final = "bad_address"
BAD_TIME: Final = "bad_time"
TIME_OUT_OF_RANGE: Final = "time_out_of_range"
BAD_SIZE: Final = "bad_size"
TOO_LONG: Final = "too_long"
EMPTY: Final = "empty"
DIRECTIVE: Final = "directive"

REJECTS: Final[dict[str, str]] = {
    EMPTY: "nothing but white space",
    DIRECTIVE: "says something of the log itself (#Fields: …), and is no request",
    TOO_LONG: "longer than 64 KiB",
    NOT_THIS_FORMAT: "does not have the format's shape; lines cut off in the middle end here",
    BAD_ADDRESS: "the client is not given by an address (a host name, for instance)",
    BAD_TIME: "the time cannot be read",
    TIME_OUT_OF_RANGE: "the time lies before 1990 or more than a day in the future",
    BAD_SIZE: "the number of bytes is over 256 TiB, so it would drown every sum",
}
"""The closed list of reasons → what they mean, strongest first."""

MAX_LINE_BYTES: Final = 64 * 1024
MAX_BYTES: Final = 1 << 48
EARLIEST: Final = 631_152_000
"""1990-01-01, in seconds: no web server logged before it."""
FUTURE_ALLOWED: Final = 86_400


@dataclass(frozen=True, slots=True, repr=False)
class Context:
    """What a line does not say of itself.

    ``now`` in seconds since 1970 UTC; ``zone`` (IANA) of times without an offset; ``directive`` is
    what a ``#Fields:`` line before the first line said, "" where nothing is known. ``starts`` tells
    of each line whether it is the first of its message: lines of a message follow each other in one
    file. ``live`` says that lines come soon after they were written.
    """

    now: int
    zone: str = "UTC"
    directive: str = ""
    starts: pl.Series | None = None
    live: bool = False
    proxies: Proxies = NO_PROXIES


Read = Callable[[pl.Series, Context], pl.DataFrame]
"""Lines → ``matched`` (Boolean) and FIELDS, with ``address`` still as written; any of HEADERS; and,
both optional, ``aside`` (Boolean) where a line is a directive and ``fields`` (String), what the
directive in force at a line says."""


@dataclass(frozen=True, slots=True)
class Format:
    """A log format: its name, a line about it for people, and its grammar.

    ``tells`` says of the first lines of a file (String, no nulls), led by the directive in force
    where one is known, whether they speak for this format where others read them too.
    ``wrappable`` formats may stand within a wrapper.
    """

    name: str
    about: str
    read: Read
    tells: Callable[[pl.Series], bool] | None = None
    wrappable: bool = True


def check(fields: pl.DataFrame, lines: pl.Series, context: Context) -> pl.DataFrame:
    """Return RAW_SCHEMA: ``fields`` with reasons, and nothing but the reason where there is one."""
    said = fields.select(name for name in HEADERS if name in fields.columns)
    checked = fields.with_columns(
        context.proxies.clients(fields["address"], said).alias("address"), lines.alias("line")
    )
    if "aside" not in checked.columns:
        checked = checked.with_columns(pl.lit(value=False).alias("aside"))
    time, now = pl.col("time"), context.now
    reject = (
        pl.when(pl.col("line").is_null())
        .then(pl.lit(EMPTY))
        .when(pl.col("line").str.len_bytes() > MAX_LINE_BYTES)
        .then(pl.lit(TOO_LONG))
        .when("aside")
        .then(pl.lit(DIRECTIVE))
        .when(~pl.col("matched"))
        .then(
            pl.when(pl.col("line").str.contains(r"^\s*$"))
            .then(pl.lit(EMPTY))
            .otherwise(pl.lit(NOT_THIS_FORMAT))
        )
        .when(pl.col("address").is_null())
        .then(pl.lit(BAD_ADDRESS))
        .when(time.is_null())
        .then(pl.lit(BAD_TIME))
        .when((time < EARLIEST) | (time > now + FUTURE_ALLOWED))
        .then(pl.lit(TIME_OUT_OF_RANGE))
        .when(pl.col("bytes").is_null() | (pl.col("bytes") > MAX_BYTES))
        .then(pl.lit(BAD_SIZE))
        .otherwise(pl.lit(None, dtype=pl.String))
        .alias("reject")
    )
    # It goes into an event as it stands, and a layout may have taken it from between quotes.
    status = pl.when(pl.col("status").str.contains("^[0-9]{3}$")).then("status").alias("status")
    checked = checked.with_columns(reject, status).select(*RAW_SCHEMA)
    if checked["reject"].null_count() == len(checked):
        return checked
    kept = pl.col("reject").is_null()
    return checked.select("reject", *(pl.when(kept).then(name).alias(name) for name in FIELDS))
