"""Caddy 2's JSON access log (https://caddyserver.com/docs/logging).

``log`` without filters, ``ts`` in seconds; of the headers Host-less ``User-Agent`` and
``Referer``, each a list of one, left out where the client sent none. What is no request never
reaches Caddy's access log.
"""

from __future__ import annotations

import polars as pl

from pipeline.simulate.formats.objects import escaped, fixed, obj, text
from pipeline.simulate.formats.spec import NO_BROKEN, Format
from pipeline.simulate.formats.text import seconds

_TLS = {"resumed": False, "version": 772, "cipher_suite": 4865, "proto": "h2"}


def _lines(requests: pl.DataFrame) -> pl.Series:
    frame = escaped(requests)
    headers = {
        "User-Agent": _listed("agent"),
        "Accept": fixed(["*/*"]),
        "Referer": _listed("referrer"),
    }
    request = {
        "remote_ip": text("address"),
        "remote_port": text(pl.col("port").cast(pl.String)),
        "client_ip": text("address"),
        "proto": text("protocol"),
        "method": text("method"),
        "host": text("host"),
        "uri": text("target"),
        "headers": obj(headers),
        "tls": fixed(_TLS),
    }
    members = {
        "level": fixed("info"),
        "ts": seconds("time", 6),
        "logger": fixed("http.log.access.log0"),
        "msg": fixed("handled request"),
        "request": obj(request),
        "bytes_read": fixed(0),
        "user_id": text("user", nothing='""'),
        "duration": seconds("duration", 6),
        "size": pl.col("bytes"),
        "status": pl.col("status"),
        "resp_headers": fixed({"Server": ["Caddy"], "Content-Type": ["text/html; charset=utf-8"]}),
    }
    return frame.select(obj(members)).to_series()


def _listed(name: str) -> pl.Expr:
    return pl.format("[{}]", text(name))


FORMATS = (Format("caddy", _lines, frozenset({NO_BROKEN})),)
