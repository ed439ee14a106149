"""varnishncsa's default: combined with the whole URL in the request.

https://varnish-cache.org/docs/trunk/reference/varnishncsa.html
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Context, Format
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import apache
from pipeline.restricted.formats.pieces import without_origins

STRING: Final = '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"'
"""As its manual gives it."""

_lines: Final = reader(apache.layout(STRING))
_WHOLE: Final = r'"[A-Z]+ https?://'
_MOST: Final = 0.8


def _read(lines: pl.Series, context: Context) -> pl.DataFrame:
    return without_origins(_lines(lines, context))


def _tells(lines: pl.Series) -> bool:
    return lines.str.contains(_WHOLE).sum() >= _MOST * len(lines)


FORMAT: Final = Format("varnish", "varnishncsa's default", _read, _tells)
