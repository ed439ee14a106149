"""Caddy 2's JSON access log: https://caddyserver.com/docs/logging.

Behind proxies that Caddy trusts, ``client_ip`` is what it made of their headers; releases before
2.7 know only the peer, and then the headers are read here. Other loggers' lines have no request.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.fieldmaps import FieldMap
from pipeline.restricted.formats.fields import HEADERS, Context, Format

MAP: Final = FieldMap(
    {
        "address": ["request.client_ip", "request.remote_ip"],
        "time": ["ts"],
        "method": ["request.method"],
        "target": ["request.uri"],
        "status": ["status"],
        "bytes": ["size"],
        # Caddy lists a header's values, under its name in canonical case.
        "referrer": ["request.headers.Referer[0]"],
        "agent": ["request.headers.User-Agent[0]"],
        "response_s": ["duration"],
        "host": ["request.host"],
        "forwarded_for": ["request.headers.X-Forwarded-For"],
        "forwarded": ["request.headers.Forwarded"],
        "real_ip": ["request.headers.X-Real-Ip[0]"],
        "cf_connecting_ip": ["request.headers.Cf-Connecting-Ip[0]"],
        "true_client_ip": ["request.headers.True-Client-Ip[0]"],
    }
)


def _read(lines: pl.Series, context: Context) -> pl.DataFrame:
    found = MAP.gathered(lines)
    resolved = pl.col(MAP.columns["address"][0])
    headers = [name for header in HEADERS for name in MAP.columns.get(header, ())]
    found = found.with_columns(
        pl.when(resolved.is_null() | (resolved == "")).then(name).alias(name) for name in headers
    )
    return MAP.settled(found, context)


FORMAT: Final = Format("caddy", "Caddy 2 JSON access log", _read)
