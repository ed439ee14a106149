"""The text family: Apache's common, combined and vhost_combined; nginx's default is combined.

Grammar after https://httpd.apache.org/docs/2.4/mod/mod_log_config.html (%h %l %u %t "%r" %>s %b
"%{Referer}i" "%{User-agent}i") and nginx's predefined ``combined``. Each line meets a quick pattern
first, in which every piece ends at the first character that cannot belong to it, so that the
matcher never has to look back. What the quick one leaves (escapes, spaces in user names, requests
that are none) meets the tolerant one.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import FIELDS, Format, Read
from pipeline.restricted.formats.pieces import (
    clf_seconds,
    empty_as_null,
    plain_host,
    sizes,
    split_requests,
    unescaped,
)

_HOST: Final = "(?P<host>[^ ]+) "
_ADDRESS: Final = "(?P<address>[^ ]+)"
_IDENT: Final = "[^ ]+"
_USER_QUICK: Final = "[^ ]+"
_USER: Final = ".*?"
_TIME: Final = r"\[(?P<stamp>[^\]]+)\]"
_REQUEST_QUICK: Final = r'"(?P<method>[A-Z]+) (?P<target>[^ "\\]+) HTTP/[0-9.]+"'
_STATUS: Final = "(?P<status>[0-9]{3}|-)"
_SIZE: Final = "(?P<size>[0-9]+|-)"
# Many sites append fields of their own after the agent; they are not looked at.
_MORE: Final = r"(?:\s.*)?$"
_NO_MORE: Final = r"\s*$"


def _quoted(name: str) -> str:
    r"""A quoted field: anything but a bare quote. Apache escapes it as \", nginx as \x22."""
    return rf'"(?P<{name}>(?:[^"\\]|\\.)*)"'


def _quoted_quick(name: str) -> str:
    return rf'"(?P<{name}>[^"\\]*)"'


def _reader(*, host: bool, headers: bool) -> Read:
    lead = _HOST if host else ""
    quick_tail = f" {_quoted_quick('referrer')} {_quoted_quick('agent')}" if headers else ""
    tail = f" {_quoted('referrer')} {_quoted('agent')}{_MORE}" if headers else _NO_MORE
    quick = (
        f"^{lead}{_ADDRESS} {_IDENT} {_USER_QUICK} {_TIME} "
        f"{_REQUEST_QUICK} {_STATUS} {_SIZE}{quick_tail}$"
    )
    tolerant = (
        f"^{lead}{_ADDRESS} {_IDENT} {_USER} ?{_TIME} {_quoted('request')} {_STATUS} {_SIZE}{tail}"
    )

    def read(lines: pl.Series) -> pl.DataFrame:
        found = lines.str.extract_groups(quick).struct.unnest()
        missed = found["address"].is_null()
        if missed.any():
            again = _plain(lines.filter(missed).str.extract_groups(tolerant).struct.unnest())
            at = missed.arg_true()
            found = found.with_columns(
                found[name].scatter(at, again[name]) for name in found.columns
            )
        return _typed(found)

    return read


def _plain(found: pl.DataFrame) -> pl.DataFrame:
    """Undo escapes, then cut the requests."""
    quoted = [name for name in ("request", "referrer", "agent") if name in found.columns]
    found = found.with_columns(unescaped(found[name]) for name in quoted)
    return found.hstack(split_requests(found["request"]))


def _typed(found: pl.DataFrame) -> pl.DataFrame:
    """Give the groups of a pattern the types of FIELDS; those it does not have become null."""
    nothing = pl.lit(None, dtype=pl.String)
    have = {name: pl.col(name) if name in found.columns else nothing for name in FIELDS}
    return found.select(
        pl.col("address").is_not_null().alias("matched"),
        "address",
        clf_seconds(pl.col("stamp")).alias("time"),
        "method",
        "target",
        empty_as_null(pl.col("status")).alias("status"),
        sizes(pl.col("size")).alias("bytes"),
        empty_as_null(have["referrer"]).alias("referrer"),
        empty_as_null(have["agent"]).alias("agent"),
        plain_host(have["host"]).alias("host"),
    )


COMBINED: Final = Format(
    "combined",
    "Apache combined; fields of your own at the end of the line are ignored",
    _reader(host=False, headers=True),
)
VHOST_COMBINED: Final = Format(
    "vhost_combined",
    "Apache combined led by the virtual host (%v or %v:%p)",
    _reader(host=True, headers=True),
)
COMMON: Final = Format(
    "common", "Apache common: no referrer, no user agent", _reader(host=False, headers=False)
)
NGINX: Final = Format("nginx", "nginx's default, the layout of Apache combined", COMBINED.read)
