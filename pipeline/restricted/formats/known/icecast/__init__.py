"""Icecast's access log: combined, then the seconds that the listener stayed.

https://icecast.org/docs/icecast-latest/config_file/#logging. Nothing is escaped in it.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import REQUEST, patterned
from pipeline.restricted.formats.pieces import as_written

_HEAD: Final = r"^(?P<address>[^ ]+) - "
_TIME: Final = r" \[(?P<clf>[^\]]+)\] "
_ANSWER: Final = r" (?P<status>[0-9]{3}|-1?) (?P<size>[0-9]+|-) "
_QUICK: Final = (
    rf'{_HEAD}[^ ]+{_TIME}"{REQUEST}"{_ANSWER}"(?P<referrer>[^"]*)" "(?P<agent>[^"]*)" [0-9]+$'
)
_TOLERANT: Final = (
    rf'{_HEAD}.*?{_TIME}"(?P<request>.*?)"{_ANSWER}"(?P<referrer>.*?)" "(?P<agent>.*)" [0-9]+\s*$'
)


FORMAT: Final = Format(
    "icecast", "Icecast access log", patterned(_QUICK, _TOLERANT, plain=as_written)
)
