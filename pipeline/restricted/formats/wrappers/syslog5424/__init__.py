r"""Syslog of RFC 5424: ``<190>1 2015-05-17T10:05:03Z host nginx 12 - [id key="value"] `` in front.

https://www.rfc-editor.org/rfc/rfc5424#section-6. Values of the structured data may hold brackets
and escaped quotes; a byte order mark may lead the message.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.wrappers.framing import FRAME, whole
from pipeline.restricted.formats.wrappers.wrapper import Wrapper

_DATA: Final = r'(?:-|(?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*")*\])+)'
_LINE: Final = (
    rf"^{FRAME}<[0-9]{{1,3}}>[1-9][0-9]{{0,2}} \S+ \S+ \S+ \S+ \S+ {_DATA} "
    r"\x{FEFF}?(?P<line>.*)$"
)


def _unwrap(lines: pl.Series) -> pl.Series:
    return whole(lines, _LINE)


WRAPPER: Final = Wrapper("syslog5424", "syslog (RFC 5424)", _unwrap)
