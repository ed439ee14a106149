"""nginx's default, which it calls combined too: the layout is Apache's."""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.known import combined

FORMAT: Final = Format(
    "nginx", "nginx's default, the layout of Apache combined", combined.FORMAT.read
)
