"""Access logs of AWS Classic Load Balancers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html. A line
of a TCP listener has no request and no status.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Context, Format
from pipeline.restricted.formats.layouts import REQUEST, patterned
from pipeline.restricted.formats.pieces import without_origins, without_ports

_HEAD: Final = (
    r"^(?P<when>[0-9T:-]+)(?:\.[0-9]+)?Z [^ ]+ "
    r"(?P<address>[^ ]+) [^ ]+ (?P<response_times>[^ ]+ [^ ]+ [^ ]+) "
    r"(?P<status>[0-9]{3}|-) [^ ]+ [^ ]+ (?P<size>[0-9]+|-) "
)
_QUICK: Final = rf'{_HEAD}"{REQUEST}" "(?P<agent>[^"\\]*)" [^ ]+ [^ ]+$'
_TOLERANT: Final = (
    rf'{_HEAD}"(?P<request>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)" [^ ]+ [^ ]+\s*$'
)
_lines: Final = patterned(_QUICK, _TOLERANT, form="%Y-%m-%dT%H:%M:%S", utc=True)


def _read(lines: pl.Series, context: Context) -> pl.DataFrame:
    return without_origins(without_ports(_lines(lines, context)))


FORMAT: Final = Format("elb", "AWS Classic Load Balancer access log", _read)
