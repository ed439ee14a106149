"""A request whose values every format has to quote, escape, encode or leave out."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from pipeline.simulate.requests import SCHEMA

ODD: Final[dict[str, Any]] = {
    "host": "www.shop.example",
    "server": "web1.shop.example",
    "server_address": "192.0.2.1",
    "zone": "Europe/Berlin",
    "time": 1_743_296_400_000_789,  # 2025-03-30T01:00:00.000789Z, when summer time begins
    "arrival": 1_743_296_401_500_000,
    "address": "2001:db8::7",
    "port": 50_000,
    "user": None,
    "method": "GET",
    "target": "/caf%C3%A9?q=a+b&n=1",
    "protocol": "HTTP/2.0",
    "status": 304,
    "bytes": 0,
    "duration": 1_234_567,
    "referrer": 'https://forum.example/?t="x"&u={a|b}',
    "agent": 'Prüf "Bot"\\1 <&#100%>',
    "tls": "TLSv1.3",
    "cipher": "TLS_AES_128_GCM_SHA256",
    "serial": 4,
}


def frame(**changes: object) -> pl.DataFrame:
    """Return one row of a writer's input."""
    return pl.DataFrame([{**ODD, **changes}], schema=SCHEMA)
