"""The text family: Apache's common, combined and vhost_combined; nginx's default is combined."""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats import apache
from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import reader

_COMMON: Final = '%h %l %u %t "%r" %>s %b'
_COMBINED: Final = f'{_COMMON} "%{{Referer}}i" "%{{User-agent}}i"'

COMBINED: Final = Format(
    "combined",
    "Apache combined; fields of your own at the end of the line are ignored",
    reader(apache.layout(_COMBINED)),
)
VHOST_COMBINED: Final = Format(
    "vhost_combined",
    "Apache combined led by the virtual host (%v or %v:%p)",
    reader(apache.layout(f"%v {_COMBINED}")),
)
COMMON: Final = Format(
    "common", "Apache common: no referrer, no user agent", reader(apache.layout(_COMMON))
)
NGINX: Final = Format("nginx", "nginx's default, the layout of Apache combined", COMBINED.read)
