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
    name: str, lines: list[bytes], format_: str, now: int, own: Mapping[str, OwnFormat] = _NONE
) -> Look:
    """Tell the format (``auto``: by trying) and the oldest time of a file's first lines.

    ``name`` is the file's, for the message; ``own`` are formats of one's own (split.formats).
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
    oldest = formats.parse(format_, sample, formats.Context(now), among=among)["time"].min()
    return Look(format_, oldest if isinstance(oldest, int) else None, why)


def oldest(
    chunk: bytes, format_: str, now: int, own: Mapping[str, OwnFormat] = _NONE
) -> int | None:
    """Return the oldest time (seconds since 1970 UTC) in the first lines of a chunk, if any."""
    first = chunk[:_FEW_BYTES].split(b"\n")[:_FEW_LINES]
    sample = pl.Series([line.decode("utf-8", "replace") for line in first], dtype=pl.String)
    found = formats.parse(format_, sample, formats.Context(now), among=formats.known(own))[
        "time"
    ].min()
    return found if isinstance(found, int) else None
