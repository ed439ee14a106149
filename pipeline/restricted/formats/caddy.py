"""Caddy 2's JSON access log: https://caddyserver.com/docs/logging.

Wanted: ``ts`` (a number of seconds, milliseconds or nanoseconds, or ISO 8601) and ``request`` with
``client_ip`` (behind trusted proxies) or ``remote_ip``, ``method``, ``host``, ``uri`` and
``headers``; ``status`` and ``size`` beside it. Other loggers' lines are not of this format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.jsonlines import Picked, table, text
from pipeline.restricted.formats.pieces import (
    empty_as_null,
    iso_seconds,
    plain_host,
    sizes,
    unix_seconds,
)

_NAMES: Final = (
    "address", "stamp", "method", "target", "status", "size", "referrer", "agent", "host",
)  # fmt: skip


def _pick(line: Mapping[str, object]) -> Picked | None:
    request = line.get("request")
    if type(request) is not dict:
        return None
    get = request.get
    stamp = text(line.get("ts"))
    address = text(get("client_ip") or get("remote_ip"))
    if stamp is None or address is None:
        return None
    headers = get("headers")
    return (
        address,
        stamp,
        text(get("method")),
        text(get("uri")),
        text(line.get("status")),
        text(line.get("size")) or "0",
        _first(headers, "Referer"),
        _first(headers, "User-Agent"),
        text(get("host")),
    )


def _first(headers: object, name: str) -> str | None:
    """Return the first value of a header; Caddy lists them, under names in canonical case."""
    values = headers.get(name) if type(headers) is dict else None
    return text(values[0]) if type(values) is list and values else None


def _read(lines: pl.Series) -> pl.DataFrame:
    stamp, status = pl.col("stamp"), pl.col("status")
    return table(lines, _NAMES, _pick).select(
        "matched",
        "address",
        pl.coalesce(unix_seconds(stamp), iso_seconds(stamp)).alias("time"),
        empty_as_null(pl.col("method")).alias("method"),
        empty_as_null(pl.col("target")).alias("target"),
        # Caddy writes 0 where the client was gone before an answer.
        pl.when(status.str.contains("^[1-9][0-9]{2}$")).then(status).alias("status"),
        sizes(pl.col("size")).alias("bytes"),
        empty_as_null(pl.col("referrer")).alias("referrer"),
        empty_as_null(pl.col("agent")).alias("agent"),
        plain_host(pl.col("host")).alias("host"),
    )


CADDY: Final = Format("caddy", "Caddy 2 JSON access log", _read)
