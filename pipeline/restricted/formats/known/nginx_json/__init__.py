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

from pipeline.restricted.formats.fields import Context, Format
from pipeline.restricted.formats.jsonlines import Picked, table
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
    "address", "iso", "local", "msec", "request", "request_method", "request_uri", "status",
    "body_size", "size", "referrer", "agent", "host",
)  # fmt: skip


def _pick(line: Mapping[str, object]) -> Picked | None:
    get = line.get
    return (
        get("remote_addr"),
        get("time_iso8601"),
        get("time_local"),
        get("msec"),
        get("request"),
        get("request_method"),
        get("request_uri"),
        get("status"),
        get("body_bytes_sent"),
        get("bytes_sent"),
        get("http_referer"),
        get("http_user_agent"),
        get("host"),
    )


def _read(lines: pl.Series, context: Context) -> pl.DataFrame:
    del context
    found = table(lines, _NAMES, _pick)
    found = found.hstack(split_requests(found["request"]))
    status = pl.col("status")
    stamps = [empty_as_null(pl.col(name)) for name in ("iso", "local", "msec")]
    # A request line says it all; the two variables stand in only where it was not logged.
    apart = pl.col("request").is_null()
    whole = (
        pl.col("address").is_not_null()
        & pl.any_horizontal(stamp.is_not_null() for stamp in stamps)
        & ~(apart & pl.col("request_uri").is_null())
    )
    return found.select(
        pl.col("matched") & whole,
        "address",
        pl.coalesce(
            iso_seconds(stamps[0]), clf_seconds(stamps[1]), unix_seconds(stamps[2])
        ).alias("time"),
        pl.when(apart).then(empty_as_null(pl.col("request_method"))).otherwise("method")
        .alias("method"),
        pl.when(apart).then(empty_as_null(pl.col("request_uri"))).otherwise("target")
        .alias("target"),
        pl.when(status.str.contains("^[1-9][0-9]{2}$")).then(status).alias("status"),
        sizes(pl.coalesce("body_size", "size", pl.lit("0"))).alias("bytes"),
        empty_as_null(pl.col("referrer")).alias("referrer"),
        empty_as_null(pl.col("agent")).alias("agent"),
        plain_host(pl.col("host")).alias("host"),
    )  # fmt: skip


FORMAT: Final = Format("nginx_json", "nginx JSON with its own variable names as keys", _read)
