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

__all__ = [
    "FIELDS",
    "FORMATS",
    "MAX_LINE_BYTES",
    "RAW_SCHEMA",
    "REJECTS",
    "Detection",
    "Format",
    "detect",
    "parse",
]

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {entry.name: entry for entry in (COMBINED, VHOST_COMBINED, COMMON, NGINX, NGINX_JSON, CADDY)}
)
"""Name → format."""


def parse(name: str, lines: pl.Series, *, now: int) -> pl.DataFrame:
    """Return RAW_SCHEMA, a row per line, in order; no text makes it raise.

    ``lines`` is a String column without line ends; ``now`` is in seconds since 1970 UTC. An
    unknown ``name`` raises SettingsError.
    """
    try:
        form = FORMATS[name]
    except KeyError:
        raise SettingsError(f"no format {name!r}: choose one of {', '.join(FORMATS)}") from None
    return check(form.read(lines), lines, now)


def detect(sample: pl.Series) -> Detection:
    """Guess the format of the first lines of a file (String column); see ``Detection``."""
    return detect_among(FORMATS, sample)
