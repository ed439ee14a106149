"""Apache's common, the log format of the first web servers."""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import apache

STRING: Final = '%h %l %u %t "%r" %>s %b'
"""As in Apache's own configuration files."""

FORMAT: Final = Format(
    "common", "Apache common: no referrer, no user agent", reader(apache.layout(STRING))
)
