"""The text family: Apache's common, combined and vhost_combined; nginx's default is combined.

Grammar after https://httpd.apache.org/docs/2.4/mod/mod_log_config.html (%h %l %u %t "%r" %>s %b
"%{Referer}i" "%{User-agent}i") and nginx's predefined ``combined``. Each line meets a quick pattern
first, in which every piece ends at the first character that cannot belong to it, so that the
matcher never has to look back. What the quick one leaves (escapes, spaces in user names, requests
that are none) meets the tolerant one.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from pipeline.restricted.distinct import distinct
from pipeline.restricted.formats.fields import FIELDS, Format, Read, empty_as_null

# Pieces. A quoted field holds anything but a bare quote; Apache writes \" and \xhh, nginx \xhh.
_ADDRESS: Final = "(?P<address>[^ ]+)"
_HOST: Final = "(?P<host>[^ ]+) "
_IDENT: Final = "[^ ]+"
_USER_QUICK: Final = "[^ ]+"
_USER: Final = ".*?"
_TIME: Final = r"\[(?P<stamp>[^\]]+)\]"
_REQUEST_QUICK: Final = r'"(?P<method>[A-Z]+) (?P<target>[^ "\\]+) HTTP/[0-9.]+"'
_STATUS: Final = "(?P<status>[0-9]{3}|-)"
_SIZE: Final = "(?P<size>[0-9]+|-)"
_END_QUICK: Final = "$"
# Many sites append fields of their own after the agent; they are not looked at.
_END: Final = r"(?:\s.*)?$"


def _quoted(name: str) -> str:
    return rf'"(?P<{name}>(?:[^"\\]|\\.)*)"'


def _quoted_quick(name: str) -> str:
    return rf'"(?P<{name}>[^"\\]*)"'


_STAMP_FORMAT: Final = "%d/%b/%Y:%H:%M:%S %z"
_REQUEST: Final = r"^(?P<method>[!#-'*+.^_`|~0-9A-Za-z-]+) (?P<target>\S(?:.*\S)?) HTTP/[0-9.]+$"
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS: Final = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"f": b"\f"}


def _reader(*, host: bool, headers: bool) -> Read:
    lead = _HOST if host else ""
    quick_tail = f" {_quoted_quick('referrer')} {_quoted_quick('agent')}" if headers else ""
    tail = f" {_quoted('referrer')} {_quoted('agent')}" if headers else ""
    end = _END if headers else r"\s*$"
    quick = (
        f"^{lead}{_ADDRESS} {_IDENT} {_USER_QUICK} {_TIME} "
        f"{_REQUEST_QUICK} {_STATUS} {_SIZE}{quick_tail}{_END_QUICK}"
    )
    tolerant = (
        f"^{lead}{_ADDRESS} {_IDENT} {_USER} ?{_TIME} "
        f"{_quoted('request')} {_STATUS} {_SIZE}{tail}{end}"
    )

    def read(lines: pl.Series) -> pl.DataFrame:
        found = lines.str.extract_groups(quick).struct.unnest()
        missed = found["address"].is_null()
        if missed.any():
            again = lines.filter(missed).str.extract_groups(tolerant).struct.unnest()
            again = _requests(again.with_columns(_unescaped(again)))
            at = missed.arg_true()
            found = found.with_columns(
                found[name].scatter(at, again[name]) for name in found.columns
            )
        return _typed(found)

    return read


def _typed(found: pl.DataFrame) -> pl.DataFrame:
    have = set(found.columns)
    stamp = pl.col("stamp").str.to_datetime(_STAMP_FORMAT, strict=False, time_unit="us")
    size = pl.col("size")
    blank = pl.lit(None, dtype=pl.String)
    return found.select(
        pl.col("address").is_not_null().alias("matched"),
        "address",
        stamp.dt.epoch("s").alias("time"),
        "method",
        "target",
        empty_as_null(pl.col("status")).alias("status"),
        pl.when(size == "-")
        .then(pl.lit(0, dtype=pl.UInt64))
        .otherwise(size.cast(pl.UInt64, strict=False))
        .alias("bytes"),
        (empty_as_null(pl.col("referrer")) if "referrer" in have else blank).alias("referrer"),
        (empty_as_null(pl.col("agent")) if "agent" in have else blank).alias("agent"),
        (_host(pl.col("host")) if "host" in have else blank).alias("host"),
    ).select("matched", *FIELDS)


def _host(host: pl.Expr) -> pl.Expr:
    return empty_as_null(host.str.replace(r":[0-9]*$", "").str.to_lowercase())


def _requests(found: pl.DataFrame) -> pl.DataFrame:
    """Cut request fields into method and target; a request that is none gives nulls."""
    parts = found["request"].str.extract_groups(_REQUEST).struct.unnest()
    return found.with_columns(parts["method"], parts["target"])


def _unescaped(found: pl.DataFrame) -> list[pl.Series]:
    return [
        _unescape_column(found[name])
        for name in ("request", "referrer", "agent")
        if name in found.columns
    ]


def _unescape_column(column: pl.Series) -> pl.Series:
    if not column.str.contains("\\", literal=True).any():
        return column
    codes, values = distinct(column)
    plain = [value if value is None or "\\" not in value else unescape(value) for value in values]
    return pl.Series(column.name, plain, dtype=pl.String).gather(codes)


def unescape(text: str) -> str:
    r"""Return ``text`` with ``\"``, ``\\``, ``\n`` and ``\xhh`` undone, as UTF-8 with replacement."""

    def plain(match: re.Match[bytes]) -> bytes:
        code, other = match.groups()
        return bytes.fromhex(code.decode()) if code else _CONTROLS.get(other, other)

    return _ESCAPE.sub(plain, text.encode("utf-8", "replace")).decode("utf-8", "replace")


COMBINED: Final = Format(
    "combined",
    "Apache combined; extra fields at the end are ignored",
    _reader(host=False, headers=True),
)
VHOST_COMBINED: Final = Format(
    "vhost_combined",
    "Apache combined led by the virtual host (%v:%p)",
    _reader(host=True, headers=True),
)
COMMON: Final = Format(
    "common", "Apache common: no referrer, no user agent", _reader(host=False, headers=False)
)
NGINX: Final = Format("nginx", "nginx's default, the layout of Apache combined", COMBINED.read)
