"""SHOUTcast's W3C log (``w3clog``): a line a listener, at the end of listening.

https://wiki.shoutcast.com/wiki/SHOUTcast_DNAS_Server_2. Times are local; agents are
percent-encoded; every line is a stream's GET.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.extended import Dialect, reader, speaks
from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.pieces import unquoted

FIELDS: Final = (
    "c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration avgbandwidth"
)
_OWN: Final = r"(?i)^#software:.*shoutcast|^#fields:.* avgbandwidth"


def _tells(lines: pl.Series) -> bool:
    return speaks(lines, _OWN)


FORMAT: Final = Format(
    "shoutcast",
    "SHOUTcast W3C log",
    reader(Dialect(fields=FIELDS, quotes=False, texts=unquoted, zoned=True, method="GET")),
    _tells,
)
