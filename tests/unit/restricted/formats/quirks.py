"""All quirks there are: the file ``quirks.yaml`` of every format's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

import pipeline.restricted.formats as package
from pipeline.restricted.formats import Context, parse

HOME: Final = Path(package.__file__).parent
"""Where the formats live."""

QUIRKS: Final[list[dict[str, Any]]] = [
    {"format": file.parent.name, **quirk}
    for file in sorted(HOME.glob("known/*/quirks.yaml"))
    for quirk in yaml.safe_load(file.read_text(encoding="utf-8"))
]


def context(quirk: dict[str, Any], now: int) -> Context:
    """What the quirk's line does not say of itself: ``zone``, and the ``fields`` in force."""
    return Context(now, zone=quirk.get("zone", "UTC"), directive=quirk.get("fields", ""))


def read(quirk: dict[str, Any], now: int) -> dict[str, Any]:
    """The row of a quirk's line, which stands behind the lines ``before``."""
    lines = pl.Series([*quirk.get("before", []), quirk["line"]])
    return parse(quirk["format"], lines, context(quirk, now)).row(-1, named=True)
