"""Apache's combined led by the virtual host, as Debian's configuration names it."""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.known.combined import STRING as COMBINED
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import apache

FORMAT: Final = Format(
    "vhost_combined",
    "Apache combined led by the virtual host (%v or %v:%p)",
    reader(apache.layout(f"%v {COMBINED}")),
)
