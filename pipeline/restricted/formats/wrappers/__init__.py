"""What other programs put around a log line: a folder each, all of them off before parsing.

A wrapper is named in front of the format, with a dot: ``docker.combined``. What it says of itself
(host names, tags, containers, times) is raw like the line, and nobody reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Context, Format
from pipeline.restricted.formats.wrappers import docker
from pipeline.restricted.formats.wrappers.wrapper import Wrapper

__all__ = ["WRAPPERS", "Wrapper", "wrapped"]

WRAPPERS: Final[Mapping[str, Wrapper]] = MappingProxyType(
    {entry.name: entry for entry in (docker.WRAPPER,)}
)
"""Name → wrapper."""


def wrapped(wrapper: Wrapper, form: Format) -> Format:
    """Return the format of lines of ``form`` within ``wrapper``."""

    def read(lines: pl.Series, context: Context) -> pl.DataFrame:
        return form.read(wrapper.unwrap(lines), context)

    def tells(lines: pl.Series) -> bool:
        return form.tells is None or form.tells(wrapper.unwrap(lines).drop_nulls())

    return Format(f"{wrapper.name}.{form.name}", f"{form.about}, in {wrapper.about}", read, tells)
