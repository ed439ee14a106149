"""Traefik's access log: its common format (CLF) and JSON.

https://doc.traefik.io/traefik/observability/access-logs/, with ``fields.headers.names`` keeping
``User-Agent`` and ``Referer`` (they are dropped otherwise). The CLF escapes nothing
(https://github.com/traefik/traefik/blob/master/pkg/middlewares/accesslog/logger_formatters.go),
its times are UTC. The JSON is Go's, which escapes ``<``, ``>`` and ``&``.
"""

from __future__ import annotations

import polars as pl

from pipeline.simulate.formats.objects import escaped, fixed, go_json, obj, text
from pipeline.simulate.formats.spec import NO_BROKEN, Format
from pipeline.simulate.formats.text import or_dash, request_line
from pipeline.simulate.formats.times import CLF, iso, stamps

_ROUTER, _SERVICE = "web@docker", "http://10.0.0.7:8080"


def _lines(requests: pl.DataFrame) -> pl.Series:
    line = pl.format(
        '{} - {} [{}] "{}" {} {} "{}" "{}" {} "{}" "{}" {}ms',
        "address", or_dash("user"), stamps(requests, CLF), request_line(), "status", "bytes",
        or_dash("referrer"), or_dash("agent"), pl.col("serial") + 1, pl.lit(_ROUTER),
        pl.lit(_SERVICE), pl.col("duration") // 1000,
    )  # fmt: skip
    return requests.select(line).to_series()


def _json_lines(requests: pl.DataFrame) -> pl.Series:
    frame = escaped(requests, go_json)
    began = text(pl.lit(iso(frame, 9)))
    v6 = pl.col("address").str.contains(":", literal=True)
    quoted = pl.when(v6).then(pl.format("[{}]", "address")).otherwise("address")
    nanos = pl.col("duration") * 1000
    members = {
        "ClientAddr": text(pl.format("{}:{}", quoted, "port")),
        "ClientHost": text("address"),
        "ClientPort": text(pl.col("port").cast(pl.String)),
        "ClientUsername": text("user", nothing='"-"'),
        "DownstreamContentSize": pl.col("bytes"),
        "DownstreamStatus": pl.col("status"),
        "Duration": nanos,
        "OriginContentSize": pl.col("bytes"),
        "OriginDuration": nanos - 40_000,
        "OriginStatus": pl.col("status"),
        "Overhead": fixed(40_000),
        "RequestAddr": text("host"),
        "RequestContentSize": fixed(0),
        "RequestCount": pl.col("serial") + 1,
        "RequestHost": text("host"),
        "RequestMethod": text("method"),
        "RequestPath": text("target"),
        "RequestPort": fixed("-"),
        "RequestProtocol": text("protocol"),
        "RequestScheme": fixed("https"),
        "RetryAttempts": fixed(0),
        "RouterName": fixed(_ROUTER),
        "ServiceAddr": fixed("10.0.0.7:8080"),
        "ServiceName": fixed(_ROUTER),
        "ServiceURL": fixed(_SERVICE),
        "StartLocal": began,
        "StartUTC": began,
        "entryPointName": fixed("websecure"),
        "level": fixed("info"),
        "msg": fixed(""),
        "request_Referer": text("referrer"),
        "request_User-Agent": text("agent"),
        "time": text(pl.lit(iso(frame, 0))),
    }
    return frame.select(obj(members)).to_series()


FORMATS = (
    Format("traefik", _lines, frozenset({NO_BROKEN}), clf=True),
    Format("traefik_json", _json_lines, frozenset({NO_BROKEN})),
)
