"""Apache's combined, by far the commonest."""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.known.common import STRING as COMMON
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import apache

STRING: Final = f'{COMMON} "%{{Referer}}i" "%{{User-agent}}i"'
"""As in Apache's own configuration files."""

FORMAT: Final = Format(
    "combined",
    "Apache combined; fields of your own at the end of the line are ignored",
    reader(apache.layout(STRING)),
)
