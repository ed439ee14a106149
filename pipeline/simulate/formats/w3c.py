"""The W3C extended family: IIS, a generic writer with quoted strings, NetScaler's NSWL.

Directives come first and again with every UTC day, and then name their fields in another order,
as after a restart with another configuration. Times are UTC.

- IIS (https://learn.microsoft.com/windows/win32/http/w3c-logging): spaces in a value are ``+``,
  ``time-taken`` in milliseconds, lines end in CR LF.
- The generic one (https://www.w3.org/TR/WD-logfile): strings in quotes, a quote doubled,
  ``time-taken`` in seconds.
- NSWL (https://docs.netscaler.com/en-us/citrix-adc/current-release/system/web-server-logging):
  its ``logFormat W3C``; spaces in a value are ``+`` (``%+{user-agent}i``), ``time-taken`` in whole
  seconds (``%T``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from pipeline.simulate.formats.spec import NO_BROKEN, Format, Header, Write
from pipeline.simulate.formats.text import or_dash, path, query, seconds
from pipeline.simulate.formats.times import stamps

_DAY: Final = 86_400_000_000
_IIS: Final = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes time-taken",
    "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port "
    "cs-username c-ip cs-version cs(User-Agent) cs(Referer) cs-host sc-status sc-substatus "
    "sc-win32-status sc-bytes cs-bytes time-taken",
)
_GENERIC: Final = (
    "date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status sc-bytes time-taken "
    "cs-version cs(Host) cs(Referer) cs(User-Agent)",
    "date time time-taken c-ip cs(Host) cs-version cs-method cs-uri-stem cs-uri-query sc-status "
    "sc-bytes cs(User-Agent) cs(Referer)",
)
_NSWL: Final = (
    "date time c-ip cs-username sc-servicename s-ip s-port cs-method cs-uri-stem cs-uri-query "
    "sc-status cs-bytes sc-bytes time-taken cs-version cs(User-Agent) cs(Cookie) cs(Referer)",
)


def _writer(fields: Sequence[str], taken: pl.Expr, *, quoted: bool = False) -> Write:
    def lines(requests: pl.DataFrame) -> pl.Series:
        if requests.is_empty():
            return pl.Series(dtype=pl.String)
        # A file's rows are written a day at a time, so the first row's day is everybody's.
        day = int(requests["arrival"][0]) // _DAY
        columns = {**_columns(requests, quoted=quoted), "time-taken": taken}
        row = [columns[name] for name in fields[day % len(fields)].split()]
        return requests.select(pl.concat_str(row, separator=" ")).to_series()

    return lines


def _columns(requests: pl.DataFrame, *, quoted: bool) -> Mapping[str, pl.Expr]:
    string = _in_quotes if quoted else _with_plus
    return {
        "date": pl.lit(stamps(requests, "%Y-%m-%d")),
        "time": pl.lit(stamps(requests, "%H:%M:%S")),
        "s-ip": pl.col("server_address"),
        "s-port": pl.lit("443"),
        "s-sitename": pl.lit("W3SVC1"),
        "s-computername": pl.lit("WEB1"),
        "sc-servicename": pl.lit("HTTP"),
        "c-ip": pl.col("address"),
        "cs-username": or_dash("user"),
        "cs-method": pl.col("method"),
        "cs-uri-stem": path(),
        "cs-uri-query": query().fill_null("-"),
        "cs-version": pl.col("protocol"),
        "cs-host": pl.col("host"),
        "cs(Host)": string("host"),
        "cs(User-Agent)": string("agent"),
        "cs(Referer)": string("referrer"),
        "cs(Cookie)": pl.lit("-"),
        "sc-status": pl.col("status").cast(pl.String),
        "sc-substatus": pl.lit("0"),
        "sc-win32-status": pl.lit("0"),
        "sc-bytes": pl.col("bytes").cast(pl.String),
        "cs-bytes": (pl.col("port") % 700 + 300).cast(pl.String),
    }


def _whole(micros: int) -> pl.Expr:
    """Return how many times so many microseconds a request took."""
    return (pl.col("duration") // micros).cast(pl.String)


def _with_plus(name: str) -> pl.Expr:
    return or_dash(name).str.replace_all(" ", "+", literal=True)


def _in_quotes(name: str) -> pl.Expr:
    doubled = pl.col(name).str.replace_all('"', '""', literal=True)
    return pl.format('"{}"', doubled).fill_null("-")


def _header(software: str | None, fields: Sequence[str]) -> Header:
    def directives(day: int) -> list[str]:
        moment = dt.datetime.fromtimestamp(day * 86_400, dt.UTC)
        made = ["#Version: 1.0", f"#Date: {moment:%Y-%m-%d %H:%M:%S}",
                f"#Fields: {fields[day % len(fields)]}"]  # fmt: skip
        return [f"#Software: {software}", *made] if software else made

    return directives


_NOTHING: Final = frozenset({NO_BROKEN})
FORMATS = (
    Format(
        "iis",
        _writer(_IIS, _whole(1_000)),
        _NOTHING,
        _header("Microsoft Internet Information Services 10.0", _IIS),
        end="\r\n",
    ),
    Format(
        "w3c",
        _writer(_GENERIC, seconds("duration", 3), quoted=True),
        _NOTHING,
        _header(None, _GENERIC),
    ),
    Format(
        "netscaler",
        _writer(_NSWL, _whole(1_000_000)),
        _NOTHING,
        _header("Netscaler Web Logging(NSWL)", _NSWL),
    ),
)
