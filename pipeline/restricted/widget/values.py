"""What a column of a JSON document's values comes to: texts, whole numbers, times, pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipeline.restricted.distinct import distinct
from pipeline.restricted.formats.pieces import iso_seconds, plain_host

Column = Sequence[object]
"""A value a line, None where it has none; of a type that no schema was held against yet."""

_MOST: Final = 1 << 53
_HOST: Final = r"(?i)^\s*https?://([^/?#\\\s]*)"
_PATH: Final = r"(?i)^\s*https?://[^/?#\\\s]*([^?#]*)"


def where(ok: list[bool], values: Column) -> Column:
    """Return the values of the places that are ok, None in the others."""
    return [value if good else None for value, good in zip(values, ok, strict=True)]


def texts(values: Column) -> pl.Series:
    """Return the values, None or text each, as a column of text."""
    return pl.Series(values, dtype=pl.String)


def whole(value: object) -> int | None:
    """Return a whole number of a size that a clock may show, None for anything else."""
    if type(value) is int or (type(value) is float and value.is_integer()):
        return int(value) if -_MOST < value < _MOST else None
    return None


def of_page(pages: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return host and path of each address; null of what is no page of the web."""
    codes, values = distinct(pages)
    found = texts(values)
    host = pl.select(plain_host(pl.lit(found.str.extract(_HOST)))).to_series()
    return host.gather(codes), found.str.extract(_PATH).gather(codes)


def seconds(values: Column) -> pl.Series:
    """Return seconds since 1970 UTC of milliseconds and ISO 8601 times; null where unreadable."""
    found = pl.Series(list(map(whole, values)), dtype=pl.Int64) // 1000
    if str not in set(map(type, values)):
        return found
    told = texts([v if type(v) is str else None for v in values])
    return pl.select(pl.coalesce(found, iso_seconds(pl.lit(told)))).to_series()
