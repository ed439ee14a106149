"""Traefik's common log format: https://doc.traefik.io/traefik/observability/access-logs/.

Traefik escapes nothing: its own last fields tell where an agent with quotes ends.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import REQUEST, patterned
from pipeline.restricted.formats.pieces import as_written

_HEAD: Final = r"^(?P<address>[^ ]+) - "
_TIME: Final = r" \[(?P<clf>[^\]]+)\] "
_ANSWER: Final = r" (?P<status>[0-9]+|-) (?P<size>[0-9]+|-) "
_TAIL: Final = r' [^ ]+ "[^"]*" "[^"]*" (?P<response_ms>[0-9]+)ms'
_QUICK: Final = (
    rf'{_HEAD}[^ ]+{_TIME}"{REQUEST}"{_ANSWER}"(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"{_TAIL}$'
)
_TOLERANT: Final = (
    rf'{_HEAD}.*?{_TIME}"(?P<request>.*?)"{_ANSWER}"(?P<referrer>.*?)" "(?P<agent>.*)"{_TAIL}\s*$'
)


FORMAT: Final = Format(
    "traefik", "Traefik common log format", patterned(_QUICK, _TOLERANT, plain=as_written)
)
