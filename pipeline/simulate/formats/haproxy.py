"""HAProxy's HTTP and HTTPS logs (https://docs.haproxy.org/3.0/configuration.html#8.2.3).

``option httplog`` or ``option httpslog``, without the syslog prefix, and in the frontend, in this
order: ``capture request header Host len 128``, ``Referer len 1024``, ``User-Agent len 1024``, so
the captures read ``{host|referer|agent}``; no response header is captured. The accept date has
no zone: the process runs with ``TZ=UTC``. Signs that would end a capture are ``#HH``; a request
of HTTP/2 has an absolute URL, as its pseudo-headers make one.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.simulate.formats.spec import Format
from pipeline.simulate.formats.text import changed, haproxy, request_line
from pipeline.simulate.formats.times import stamps

_IN_CAPTURE: Final = r'["#{|}]|[^ -~]'
_IN_REQUEST: Final = r'["#]|[^ -~]'


def _line(requests: pl.DataFrame, frontend: str) -> pl.Expr:
    """Return the HTTP log's line; what was no request is ``<BADREQ>`` and reaches no server."""
    milliseconds = (requests["time"] // 1000 % 1000).cast(pl.String).str.zfill(3)
    asked = pl.col("method").is_not_null()
    total = pl.col("duration") // 1000
    timers = pl.format("0/0/1/{}/{}", total, total + 1)
    return pl.format(
        '{}:{} [{}.{}] {} {} {} {} {} - - {} 1/1/1/1/0 0/0 {} "{}"',
        "address", "port", stamps(requests, "%d/%b/%Y:%H:%M:%S"), milliseconds, pl.lit(frontend),
        pl.when(asked).then(pl.lit("web/web1")).otherwise(pl.lit(f"{frontend}/<NOSRV>")),
        pl.when(asked).then(timers).otherwise(pl.lit("-1/-1/-1/-1/0")),
        "status", "bytes", pl.when(asked).then(pl.lit("----")).otherwise(pl.lit("PR--")),
        _captures(requests, asked), request_line("<BADREQ>"),
    )  # fmt: skip


def _captures(requests: pl.DataFrame, asked: pl.Expr) -> pl.Expr:
    referrer = changed(requests["referrer"], _IN_CAPTURE, haproxy).fill_null("")
    agent = changed(requests["agent"], _IN_CAPTURE, haproxy).fill_null("")
    host = pl.when(asked).then("host").otherwise(pl.lit(""))
    return pl.concat_str(pl.lit("{"), host, pl.lit("|"), referrer, pl.lit("|"), agent, pl.lit("}"))


def _asked(requests: pl.DataFrame) -> pl.DataFrame:
    absolute = pl.format("https://{}{}", "host", "target")
    h2 = pl.col("protocol") == "HTTP/2.0"
    return requests.with_columns(changed(requests["target"], _IN_REQUEST, haproxy)).with_columns(
        target=pl.when(h2).then(absolute).otherwise("target")
    )


def _lines(requests: pl.DataFrame) -> pl.Series:
    frame = _asked(requests)
    return frame.select(_line(frame, "http-in")).to_series()


def _https_lines(requests: pl.DataFrame) -> pl.Series:
    frame = _asked(requests)
    line = pl.format(
        "{} 0/0000000000000000/0/0/0 {}/{}/{}", _line(frame, "https-in~"), "host", "tls", "cipher"
    )
    return frame.select(line).to_series()


FORMATS = (Format("haproxy", _lines), Format("haproxy_https", _https_lines))
