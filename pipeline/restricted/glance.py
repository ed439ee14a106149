"""A look at the first lines of a file, for the shipper: their format and how old they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import polars as pl

from pipeline.errors import InputError
from pipeline.restricted import formats
from pipeline.settings import OwnFormat

_NONE: Final[Mapping[str, OwnFormat]] = MappingProxyType({})
_FEW_LINES: Final = 4
_FEW_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Look:
    """``format`` as in ``formats.FORMATS``; ``oldest`` time in seconds, None where none is read.

    ``why`` says by what ``auto`` chose the format, "" where it was named.
    """

    format: str
    oldest: int | None
    why: str = ""


def look(
    name: str,
    lines: list[bytes],
    format_: str,
    now: int,
    own: Mapping[str, OwnFormat] = _NONE,
    *,
    zone: str = "",
) -> Look:
    """Tell the format (``auto``: by trying) and the oldest time of a file's first lines.

    ``name`` is the file's, for the message; ``own`` are formats of one's own (split.formats);
    ``zone`` is that of times without an offset.
    Raises InputError where no format is known by that name, or where ``auto`` cannot tell.
    """
    among = formats.known(own)
    sample = pl.Series(
        [line.decode("utf-8", "replace").rstrip("\r") for line in lines], dtype=pl.String
    )
    why = ""
    if format_ == formats.AUTO:
        found = formats.detect(sample, among)
        if found.format is None:
            raise InputError(f"{name}: {found.reason}; name the format with --format")
        format_, why = found.format, found.reason
    elif formats.find(format_, among) is None:
        raise InputError(f"no format is called {format_}: choose auto, {', '.join(among)}")
    return Look(format_, _oldest(sample, format_, _context(now, zone), among), why)


def oldest(
    chunk: bytes,
    format_: str,
    now: int,
    own: Mapping[str, OwnFormat] = _NONE,
    *,
    zone: str = "",
    directive: str = "",
) -> int | None:
    """Return the oldest time (seconds since 1970 UTC) in the first lines of a chunk, if any.

    ``directive`` is the ``#Fields:`` in force before them, ``zone`` that of times without an
    offset.
    """
    first = chunk[:_FEW_BYTES].split(b"\n")[:_FEW_LINES]
    sample = pl.Series([line.decode("utf-8", "replace") for line in first], dtype=pl.String)
    return _oldest(sample, format_, _context(now, zone, directive), formats.known(own))


def _context(now: int, zone: str, directive: str = "") -> formats.Context:
    return formats.Context(now, zone=zone or "UTC", directive=directive)


def _oldest(
    sample: pl.Series, format_: str, context: formats.Context, among: Mapping[str, formats.Format]
) -> int | None:
    found = formats.parse(format_, sample, context, among=among)["time"].min()
    return found if isinstance(found, int) else None
