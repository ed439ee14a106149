"""Log formats: lines of text into columns, or a reason why not.

One file a format family, each with a grammar built from named pieces. A format turns a column of
lines into FIELDS; what all of them must promise (an address that is one, a time in range) is
checked once, in ``fields``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from pipeline.errors import SettingsError
from pipeline.restricted.formats.caddy import CADDY
from pipeline.restricted.formats.combined import COMBINED, COMMON, NGINX, VHOST_COMBINED
from pipeline.restricted.formats.detect import Detection, detect_among
from pipeline.restricted.formats.fields import (
    FIELDS,
    MAX_LINE_BYTES,
    RAW_SCHEMA,
    REJECTS,
    Format,
    check,
)
from pipeline.restricted.formats.nginx_json import NGINX_JSON
from pipeline.restricted.formats.own import compiled
from pipeline.restricted.widget.read import WIDGET

__all__ = [
    "AUTO",
    "FIELDS",
    "FORMATS",
    "MAX_LINE_BYTES",
    "RAW_SCHEMA",
    "REJECTS",
    "Detection",
    "Format",
    "detect",
    "known",
    "parse",
]

AUTO: Final = "auto"
"""Stands for whichever format the first lines are in."""

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        entry.name: entry
        for entry in (COMBINED, VHOST_COMBINED, COMMON, NGINX, NGINX_JSON, CADDY, WIDGET)
    }
)
"""Name → format."""


def known(own: Mapping[str, str]) -> Mapping[str, Format]:
    """Return all formats by name: one's own, given as format strings, and those built in.

    Raises SettingsError for a string that is none, or under a name that is taken.
    """
    for name in own:
        if name in FORMATS or name == AUTO:
            raise SettingsError(f"setting split.formats.{name}: this name is taken; give another")
    return {**{name: compiled(name, text) for name, text in own.items()}, **FORMATS}


def parse(
    name: str, lines: pl.Series, *, now: int, among: Mapping[str, Format] = FORMATS
) -> pl.DataFrame:
    """Return RAW_SCHEMA, a row per line, in order; no text makes it raise.

    ``lines`` is a String column without line ends; ``now`` is in seconds since 1970 UTC. A
    ``name`` that is not ``among`` the formats raises SettingsError.
    """
    try:
        form = among[name]
    except KeyError:
        raise SettingsError(f"no format {name!r}: choose one of {', '.join(among)}") from None
    return check(form.read(lines), lines, now)


def detect(sample: pl.Series, among: Mapping[str, Format] = FORMATS) -> Detection:
    """Guess the format of the first lines of a file (String column); see ``Detection``."""
    return detect_among(among, sample)
