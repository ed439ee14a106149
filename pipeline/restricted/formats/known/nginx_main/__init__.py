"""The layout that nginx's own packages and images configure under the name ``main``."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import nginx

STRING: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"'
)
"""As in the nginx.conf of https://nginx.org/packages/."""

# Others append quoted fields to combined lines too; this one holds addresses or nothing.
_TAIL: Final = r'" [0-9]{3} [0-9]+ "[^"]*" "[^"]*" "(?:-|[0-9A-Fa-f:.]+(?:, ?[0-9A-Fa-f:.]+)*)"\s*$'
_ENOUGH: Final = 0.8


def _tells(lines: pl.Series) -> bool:
    return len(lines) > 0 and lines.str.contains(_TAIL).sum() >= _ENOUGH * len(lines)


FORMAT: Final = Format(
    "nginx_main",
    "nginx's main, as its packages configure it: combined and X-Forwarded-For",
    reader(nginx.layout(STRING)),
    _tells,
)
