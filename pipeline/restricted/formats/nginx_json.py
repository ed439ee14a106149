r"""nginx's JSON, as a ``log_format`` with ``escape=json`` writes it.

The keys are the names of nginx's own variables
(https://nginx.org/en/docs/http/ngx_http_log_module.html); others are ignored::

    log_format partywall escape=json '{"remote_addr":"$remote_addr","msec":"$msec",'
      '"request":"$request","status":"$status","body_bytes_sent":"$body_bytes_sent",'
      '"http_referer":"$http_referer","http_user_agent":"$http_user_agent","host":"$host"}';

Wanted: ``remote_addr``; one of ``time_iso8601``, ``time_local``, ``msec``; ``request``, or
``request_method`` and ``request_uri``. Bytes are ``body_bytes_sent``, or ``bytes_sent`` where that
is missing, or 0. Without ``escape=json`` nginx writes ``\x22``, which is no JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.jsonlines import Picked, table, text
from pipeline.restricted.formats.pieces import (
    clf_seconds,
    empty_as_null,
    iso_seconds,
    plain_host,
    sizes,
    split_requests,
    unix_seconds,
)

_NAMES: Final = (
    "address", "stamp", "request", "request_method", "request_uri", "status", "size", "referrer",
    "agent", "host",
)  # fmt: skip


def _pick(line: Mapping[str, object]) -> Picked | None:
    get = line.get
    stamp = text(get("time_iso8601") or get("time_local") or get("msec"))
    address = text(get("remote_addr"))
    request = text(get("request"))
    target = text(get("request_uri"))
    if address is None or stamp is None or (request is None and target is None):
        return None
    size = get("body_bytes_sent")
    return (
        address,
        stamp,
        request,
        text(get("request_method")),
        target,
        text(get("status")),
        text(get("bytes_sent") if size is None else size) or "0",
        text(get("http_referer")),
        text(get("http_user_agent")),
        text(get("host")),
    )


def _read(lines: pl.Series) -> pl.DataFrame:
    found = table(lines, _NAMES, _pick)
    found = found.hstack(split_requests(found["request"]))
    stamp, status = pl.col("stamp"), pl.col("status")
    # A request line says it all; the two variables stand in only where it was not logged.
    apart = pl.col("request").is_null()
    return found.select(
        "matched",
        "address",
        pl.coalesce(iso_seconds(stamp), clf_seconds(stamp), unix_seconds(stamp)).alias("time"),
        pl.when(apart).then(empty_as_null(pl.col("request_method"))).otherwise("method")
        .alias("method"),
        pl.when(apart).then(empty_as_null(pl.col("request_uri"))).otherwise("target")
        .alias("target"),
        pl.when(status.str.contains("^[1-9][0-9]{2}$")).then(status).alias("status"),
        sizes(pl.col("size")).alias("bytes"),
        empty_as_null(pl.col("referrer")).alias("referrer"),
        empty_as_null(pl.col("agent")).alias("agent"),
        plain_host(pl.col("host")).alias("host"),
    )  # fmt: skip


NGINX_JSON: Final = Format("nginx_json", "nginx JSON with its own variable names as keys", _read)
