r"""BSD syslog: ``<190>Oct 11 22:14:15 host nginx[12]: `` in front of the line.

https://www.rfc-editor.org/rfc/rfc3164#section-4. What rsyslog and syslog-ng write into files has no
``<PRI>``, and a time in ISO 8601 where they are told so; senders may leave the host out.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.wrappers.framing import FRAME, whole
from pipeline.restricted.formats.wrappers.wrapper import Wrapper

_TIME: Final = (
    r"(?:[A-Z][a-z]{2} [ 0-3][0-9] (?:[0-9]{4} )?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]{4,6})?)"
)
# A host never ends in a colon; a tag does, or in its process in brackets and a colon.
_LINE: Final = (
    rf"^{FRAME}(?:<[0-9]{{1,3}}>)?{_TIME} (?:\S*[^\s:] )?[^\s:\[]+(?:\[[^\]\s]*\])?: ?(?P<line>.*)$"
)


def _unwrap(lines: pl.Series) -> pl.Series:
    return whole(lines, _LINE)


WRAPPER: Final = Wrapper("syslog3164", "BSD syslog (RFC 3164)", _unwrap)
