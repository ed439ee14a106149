"""Events of a chat widget, as the schemas have them and ``pipeline.restricted.widget`` reads."""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.widget.read import WIDGET

FORMAT: Final[Format] = WIDGET
