"""NetScaler's (Citrix ADC's) web log, as its client NSWL writes it by default: W3C extended.

https://docs.netscaler.com/en-us/citrix-adc/current-release/system/web-server-logging/customize-logging-on-nswl-client.
Where no ``#Fields:`` line is known, the fields are those of its standard W3C format. Its other
format, NCSA, is ``common``.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.extended import Dialect, reader, speaks
from pipeline.restricted.formats.fields import Format

FIELDS: Final = (
    "date time c-ip cs-username s-sitename s-ip s-port cs-method cs-uri-stem cs-uri-query "
    "sc-status cs-bytes sc-bytes time-taken cs-version cs(User-Agent) cs(Cookie) cs(Referer)"
)
"""``%{%Y-%m-%d%H:%M:%S}t %a %u %S %A %p %m %U %q %s %j %J %T %H %+{user-agent}i %+{cookie}i
%+{referer}i``: the W3C format as NSWL defines it."""
_OWN: Final = r"(?i)^#software:.*(?:netscaler|citrix|nswl)"


def _tells(lines: pl.Series) -> bool:
    return speaks(lines, _OWN)


FORMAT: Final = Format(
    "netscaler", "NetScaler web log (NSWL), W3C extended", reader(Dialect(fields=FIELDS)), _tells
)
