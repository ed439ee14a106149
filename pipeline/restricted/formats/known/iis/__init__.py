"""IIS's W3C log: https://learn.microsoft.com/en-us/iis/configuration/system.applicationhost/sites/site/logfile/.

Times are UTC, and ``+`` is a space. Where no ``#Fields:`` line is known, the fields are IIS's
default ones.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.extended import Dialect, reader, speaks
from pipeline.restricted.formats.fields import Format

FIELDS: Final = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)
_OWN: Final = r"(?i)^#software: microsoft|^#fields:.* sc-win32-status"


def _tells(lines: pl.Series) -> bool:
    return speaks(lines, _OWN)


FORMAT: Final = Format(
    "iis", "IIS, W3C extended", reader(Dialect(fields=FIELDS, quotes=False, millis=True)), _tells
)
