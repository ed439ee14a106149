"""Caddy 2's JSON access log: https://caddyserver.com/docs/logging.

Wanted: ``ts`` (a number of seconds, milliseconds or nanoseconds, or ISO 8601) and ``request`` with
``client_ip`` (behind trusted proxies) or ``remote_ip``, ``method``, ``host``, ``uri`` and
``headers``; ``status`` and ``size`` beside it. Other loggers' lines are not of this format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Context, Format
from pipeline.restricted.formats.jsonlines import Picked, table
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
    headers = request.get("headers")
    if type(headers) is not dict:
        headers = {}
    return (
        get("client_ip") or get("remote_ip"),
        line.get("ts"),
        get("method"),
        get("uri"),
        line.get("status"),
        line.get("size"),
        _first(headers.get("Referer")),
        _first(headers.get("User-Agent")),
        get("host"),
    )


def _first(values: object) -> object:
    """Return the first value of a header; Caddy lists them, under names in canonical case."""
    return values[0] if type(values) is list and values else None


def _read(lines: pl.Series, context: Context) -> pl.DataFrame:
    del context
    stamp, status = pl.col("stamp"), pl.col("status")
    return table(lines, _NAMES, _pick).select(
        pl.col("matched") & pl.col("address").is_not_null() & stamp.is_not_null(),
        "address",
        pl.coalesce(unix_seconds(stamp), iso_seconds(stamp)).alias("time"),
        empty_as_null(pl.col("method")).alias("method"),
        empty_as_null(pl.col("target")).alias("target"),
        # Caddy writes 0 where the client was gone before an answer.
        pl.when(status.str.contains("^[1-9][0-9]{2}$")).then(status).alias("status"),
        sizes(pl.col("size").fill_null("0")).alias("bytes"),
        empty_as_null(pl.col("referrer")).alias("referrer"),
        empty_as_null(pl.col("agent")).alias("agent"),
        plain_host(pl.col("host")).alias("host"),
    )


FORMAT: Final = Format("caddy", "Caddy 2 JSON access log", _read)
