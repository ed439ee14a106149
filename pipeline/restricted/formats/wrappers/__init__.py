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
from pipeline.restricted.formats.wrappers import (
    cri,
    docker,
    journal,
    kubernetes,
    syslog3164,
    syslog5424,
)
from pipeline.restricted.formats.wrappers.wrapper import Wrapper

__all__ = ["MAX_DEPTH", "WRAPPERS", "Wrapper", "wrapped"]

MAX_DEPTH: Final = 2
"""As many wrappers may lie around each other: Docker's JSON sent on by syslog, for instance."""

WRAPPERS: Final[Mapping[str, Wrapper]] = MappingProxyType(
    {
        entry.WRAPPER.name: entry.WRAPPER
        for entry in (cri, syslog5424, syslog3164, journal, kubernetes, docker)
    }
)
"""Name → wrapper, in the order in which ``auto`` tries them: a tag of CRI's looks like one of BSD
syslog's, and an envelope of Kubernetes' like Docker's."""


def wrapped(wrapper: Wrapper, form: Format) -> Format:
    """Return the format of lines of ``form`` within ``wrapper``."""

    def read(lines: pl.Series, context: Context) -> pl.DataFrame:
        return form.read(wrapper.unwrap(lines), context)

    def tells(lines: pl.Series) -> bool:
        return form.tells is None or form.tells(wrapper.unwrap(lines).drop_nulls())

    return Format(f"{wrapper.name}.{form.name}", f"{form.about}, in {wrapper.about}", read, tells)
