"""nginx's ``combined``, the ``main`` of its packages, and JSON of its variables (``escape=json``).

https://nginx.org/en/docs/http/ngx_http_log_module.html. A connection without a request has an
empty ``$request``. The JSON has the keys that docs/formats.md recommends.
"""

from __future__ import annotations

import polars as pl

from pipeline.simulate.formats.objects import escaped, obj, text
from pipeline.simulate.formats.spec import Format
from pipeline.simulate.formats.text import in_quotes, nginx, or_dash, request_line, seconds
from pipeline.simulate.formats.times import CLF, stamps


def _lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, nginx)
    line = pl.format(
        '{} - {} [{}] "{}" {} {} "{}" "{}"',
        "address", or_dash("user"), stamps(frame, CLF, local=True), request_line(""), "status",
        "bytes", or_dash("referrer"), or_dash("agent"),
    )  # fmt: skip
    return frame.select(line).to_series()


def _main_lines(requests: pl.DataFrame) -> pl.Series:
    """Nobody stands between: the header at the end is empty."""
    return _lines(requests) + ' "-"'


def _json_lines(requests: pl.DataFrame) -> pl.Series:
    empty = '""'
    members = {
        "remote_addr": text("address"),
        "msec": text(seconds("time", 3)),
        "request": text(request_line(""), nothing=empty),
        "status": text(pl.col("status").cast(pl.String)),
        "body_bytes_sent": text(pl.col("bytes").cast(pl.String)),
        "request_time": text(seconds("duration", 3)),
        "http_referer": text("referrer", nothing=empty),
        "http_user_agent": text("agent", nothing=empty),
        "host": text("host"),
    }
    return escaped(requests).select(obj(members)).to_series()


FORMATS = (
    Format("nginx", _lines, clf=True),
    Format("nginx_main", _main_lines, clf=True),
    Format("nginx_json", _json_lines),
)
