"""Varnish, Icecast and SHOUTcast: relatives of combined, and of W3C.

- ``varnishncsa`` without options (https://varnish-cache.org/docs/trunk/reference/varnishncsa.html):
  combined whose request line holds an absolute URL.
- Icecast (https://icecast.org/docs/icecast-trunk/config_file/): combined and, at the end, the
  seconds the connection lasted.
- SHOUTcast DNAS 2's ``w3clog``: directives once, agent percent-encoded, no method and no
  referrer; its local time is taken to be UTC.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.simulate.formats.spec import (
    NO_BROKEN,
    NO_METHOD,
    NO_REFERRER,
    Format,
)
from pipeline.simulate.formats.text import (
    apache,
    changed,
    in_quotes,
    or_dash,
    request_line,
    size_or_dash,
    unreserved,
)
from pipeline.simulate.formats.times import CLF, stamps

_FIELDS: Final = (
    "#Fields: c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration "
    "avgbandwidth"
)


def _combined(requests: pl.DataFrame, request: pl.Expr, size: pl.Expr) -> pl.Expr:
    return pl.format(
        '{} - {} [{}] "{}" {} {} "{}" "{}"',
        "address", or_dash("user"), stamps(requests, CLF, local=True), request, "status", size,
        or_dash("referrer"), or_dash("agent"),
    )  # fmt: skip


def _varnish_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    request = pl.format("{} http://{}{} {}", "method", "host", "target", "protocol")
    return frame.select(_combined(frame, request, size_or_dash())).to_series()


def _icecast_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    line = pl.format(
        "{} {}", _combined(frame, request_line(), pl.col("bytes")), pl.col("duration") // 1_000_000
    )
    return frame.select(line).to_series()


def _shoutcast_lines(requests: pl.DataFrame) -> pl.Series:
    agent = changed(requests["agent"], r"[^A-Za-z0-9._~-]", unreserved)
    duration = pl.col("duration") // 1_000_000 + 1
    line = pl.format(
        "{} {} {} {} {} {} {} {} {}",
        "address", "address", stamps(requests, "%Y-%m-%d %H:%M:%S"), "target", "status",
        agent.fill_null("-"), "bytes", duration, pl.col("bytes") // duration,
    )  # fmt: skip
    return requests.select(line).to_series()


def _directives(_: int) -> list[str]:
    return ["#Software: SHOUTcast", "#Version: 2.6.1.777", _FIELDS]


FORMATS = (
    Format("varnish", _varnish_lines, frozenset({NO_BROKEN}), clf=True),
    Format("icecast", _icecast_lines, frozenset({NO_BROKEN}), clf=True),
    Format(
        "shoutcast",
        _shoutcast_lines,
        frozenset({NO_BROKEN, NO_METHOD, NO_REFERRER}),
        _directives,
    ),
)
