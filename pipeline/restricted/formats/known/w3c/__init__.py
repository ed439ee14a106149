"""The W3C's extended log file format, with a ``#Fields:`` line that says what is in it.

https://www.w3.org/TR/WD-logfile.html
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.extended import Dialect, reader
from pipeline.restricted.formats.fields import Format

FORMAT: Final = Format("w3c", "W3C extended, fields as the #Fields line says", reader(Dialect()))
