"""Pieces that several formats share: request lines, times, hosts, escapes."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

import polars as pl

from pipeline.restricted.client_ip import AROUND
from pipeline.restricted.distinct import distinct

CLF_TIME: Final = "%d/%b/%Y:%H:%M:%S %z"
"""``17/May/2015:10:05:03 +0000``: the time of the common log format."""

_ISO_TIMES: Final = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
_MILLISECONDS: Final = 10**11
"""Numbers above this are no seconds (the year 5138) but milliseconds, …"""
_MICROSECONDS: Final = 10**14
"""… above this microseconds, …"""
_NANOSECONDS: Final = 10**17
"""… and above this nanoseconds (1973)."""

_REQUEST: Final = r"^(?P<method>[!#-'*+.^_`|~0-9A-Za-z-]+) (?P<target>\S(?:.*\S)?) HTTP/[0-9.]+$"
_URL: Final = r"(?s)^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>[^/?#]*)(?P<rest>.*)$"
_PORT: Final = f"{string.ascii_letters}{string.digits}._-"
"""What a port is written with (RFC 7239, 6.3)."""
_SCHEMES: Final = ("http:", "https:", "ws:", "wss:")
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROLS: Final = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"f": b"\f"}


def split_requests(requests: pl.Series) -> pl.DataFrame:
    """Cut request lines into ``method`` and ``target``; what is none (``-``, TLS) gives nulls."""
    parts = requests.str.extract_groups(_REQUEST).struct
    return pl.DataFrame([parts.field("method"), parts.field("target")])


def clf_seconds(stamp: pl.Expr) -> pl.Expr:
    """Return seconds since 1970 UTC of ``CLF_TIME``, the offset honoured; null where unreadable."""
    return stamp.str.to_datetime(CLF_TIME, strict=False, time_unit="us").dt.epoch("s")


def iso_seconds(stamp: pl.Expr) -> pl.Expr:
    """Return seconds since 1970 UTC of ISO 8601 times with offset or ``Z``; null otherwise."""
    return pl.coalesce(
        stamp.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("s")
        for form in _ISO_TIMES
    )


def unix_seconds(stamp: pl.Expr) -> pl.Expr:
    """Return whole seconds of a number written out: seconds, milli-, micro- or nanoseconds."""
    whole = stamp.cast(pl.Int64, strict=False)
    number = stamp.cast(pl.Float64, strict=False)
    milliseconds = number > _MILLISECONDS
    part = pl.when(milliseconds).then(number / 1e3).otherwise(number)
    return (
        pl.when(whole > _NANOSECONDS)
        .then(whole // 10**9)
        .when(whole > _MICROSECONDS)
        .then(whole // 10**6)
        .when(whole > _MILLISECONDS)
        .then(whole // 10**3)
        .otherwise(pl.coalesce(whole, part.floor().cast(pl.Int64, strict=False)))
    )


def plain_host(host: pl.Expr) -> pl.Expr:
    """Return host names in lower case without port; null for none."""
    return empty_as_null(host.str.replace(r":[0-9]*$", "").str.to_lowercase())


def without_ports(found: pl.DataFrame) -> pl.DataFrame:
    """Take the port off ``address``: ``192.0.2.7:80``, ``[2001:db8::7]:80``, ``2001:db8::7:80``.

    Only where each address has one: of one without, the last part would be taken for it.
    """
    return found.with_columns(_without_port(found["address"]))


def bare_addresses(addresses: pl.Series) -> pl.Series:
    """Take ports and brackets off the addresses that have some."""
    around = addresses.str.contains(AROUND).fill_null(value=False)
    return _without_port(addresses).zip_with(around, addresses) if around.any() else addresses


def _without_port(addresses: pl.Series) -> pl.Series:
    bare = addresses.str.strip_chars_end(_PORT).str.strip_suffix(":")
    return bare.str.strip_chars("[]")


def split_urls(urls: pl.Series) -> pl.DataFrame:
    """Cut URLs into ``host`` (with its port) and ``target``; what is no whole URL is a target."""
    marked = urls.str.contains("://", literal=True).fill_null(value=False)
    if not marked.any():
        nowhere = pl.repeat(None, len(urls), dtype=pl.String, eager=True)
        return pl.DataFrame([nowhere.alias("host"), urls.alias("target")])
    # Four times as fast as the pattern, which is left for what hardly any URL has.
    scheme, nothing, host, path = urls.str.splitn("/", 4).struct.unnest().get_columns()
    plain = scheme.is_in(_SCHEMES) & (nothing == "") & ~host.str.contains_any(["?", "#", "@"])
    plain = plain.fill_null(value=False)
    host, target = host.set(~plain, None), ("/" + path.fill_null("")).zip_with(plain, urls)
    odd = (marked & ~plain).arg_true()
    if len(odd):
        parts = urls.gather(odd).str.extract_groups(_URL).struct.unnest()
        rest = parts["rest"].set(parts["rest"] == "", "/").fill_null(urls.gather(odd))
        host, target = host.scatter(odd, parts["host"]), target.scatter(odd, rest)
    return pl.DataFrame([host.alias("host"), target.alias("target")])


def empty_as_null(column: pl.Expr) -> pl.Expr:
    """Return ``column`` with the two ways of saying "nothing" (``-`` and empty) as null."""
    return pl.when(column.is_in(["-", ""])).then(None).otherwise(column)


def sizes(column: pl.Expr) -> pl.Expr:
    """Return a count of bytes as UInt64: ``-`` is 0, what is no count is null."""
    number = column.cast(pl.UInt64, strict=False)
    return pl.when(column == "-").then(pl.lit(0, dtype=pl.UInt64)).otherwise(number)


def as_written(column: pl.Series) -> pl.Series:
    """Return a column as it is, for formats that escape nothing."""
    return column


def unescaped(column: pl.Series) -> pl.Series:
    """Return a String column with the escapes of ``unescape`` undone."""
    return mapped(column, "\\", unescape)


def unquoted(column: pl.Series) -> pl.Series:
    """Return a String column with percent-encoding undone, also where it was done twice."""
    return mapped(column, "%", lambda text: unquote(unquote(text) if "%25" in text else text))


def mapped(column: pl.Series, sign: str, plain: Callable[[str], str]) -> pl.Series:
    """Return a String column with ``plain`` of what contains ``sign``, once per distinct value."""
    if not column.str.contains(sign, literal=True).any():
        return column
    codes, values = distinct(column)
    made = [value if value is None or sign not in value else plain(value) for value in values]
    return pl.Series(column.name, made, dtype=pl.String).gather(codes)


def without_origins(found: pl.DataFrame) -> pl.DataFrame:
    """Cut ``https://host`` off targets that are whole URLs; it is the host where none is told."""
    if not found["target"].str.contains("://", literal=True).any():
        return found
    url = split_urls(found["target"])
    return found.with_columns(url["target"], pl.coalesce("host", plain_host(pl.lit(url["host"]))))


def unescape(text: str) -> str:
    r"""Undo ``\"``, ``\\``, ``\n`` (Apache), ``\xhh`` (both) and ``\u00hh`` (nginx's JSON).

    Bytes are read as UTF-8.
    """

    def plain(match: re.Match[bytes]) -> bytes:
        code, letter, other = match.groups()
        if letter:
            return chr(int(letter, 16)).encode("utf-8", "replace")
        return bytes.fromhex(code.decode()) if code else _CONTROLS.get(other, other)

    return _ESCAPE.sub(plain, text.encode("utf-8", "replace")).decode("utf-8", "replace")
