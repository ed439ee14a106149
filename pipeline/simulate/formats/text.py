r"""Values as the writers of text formats put them: escaped, encoded, or "nothing"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import polars as pl

_APACHE: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_NOT_PLAIN: Final = r'["\\]|[^ -~]'


def changed(column: pl.Series, pattern: str, change: Callable[[str], str]) -> pl.Series:
    """Return ``column`` with values that match ``pattern`` changed, each distinct value once."""
    odd = column.filter(column.str.contains(pattern).fill_null(value=False)).unique()
    if odd.is_empty():
        return column
    return column.replace(odd, pl.Series([change(value) for value in odd], dtype=pl.String))


def apache(value: str) -> str:
    r"""Escape as httpd's ``ap_escape_logitem``: ``\"``, ``\\``, ``\n``; other bytes ``\xhh``."""
    return "".join(_APACHE.get(c) or _bytes(c, r"\x{:02x}", " ", "~") for c in value)


def nginx(value: str) -> str:
    r"""Escape as nginx's ``escape=default``: quotes, backslashes and other bytes as ``\xHH``."""
    return "".join(
        _bytes(c, r"\x{:02X}", "\x80", "\x80") if c in '"\\' else _bytes(c, r"\x{:02X}", " ", "~")
        for c in value
    )


def haproxy(value: str) -> str:
    """Escape as HAProxy does in captured headers: ``#HH`` for ``"#{|}`` and what is not ASCII."""
    return re.sub(r'["#{|}]|[^ -~]', lambda m: _bytes(m[0], "#{:02X}", "\x80", "\x80"), value)


def percent(value: str) -> str:
    """Encode what is no letter, digit or sign that is safe in a URL, and spaces, as ``%HH``."""
    return re.sub(r"[^!$&(-;=?-Z_a-z]", lambda m: _bytes(m[0], "%{:02X}", "\x80", "\x80"), value)


def unreserved(value: str) -> str:
    """Encode everything but letters, digits and ``-._~`` as ``%HH`` (RFC 3986)."""
    return re.sub(r"[^A-Za-z0-9._~-]", lambda m: _bytes(m[0], "%{:02X}", "\x80", "\x80"), value)


def _bytes(character: str, form: str, low: str, high: str) -> str:
    """Return a character as it is between ``low`` and ``high``, else its bytes in ``form``."""
    if low <= character <= high:
        return character
    return "".join(form.format(byte) for byte in character.encode())


def in_quotes(frame: pl.DataFrame, change: Callable[[str], str]) -> pl.DataFrame:
    """Return the frame with what clients sent escaped for a place between quotes."""
    names = ("user", "target", "referrer", "agent")
    return frame.with_columns(changed(frame[name], _NOT_PLAIN, change) for name in names)


def or_dash(name: str) -> pl.Expr:
    """Return a column as text with ``-`` for nothing."""
    return pl.col(name).cast(pl.String).fill_null("-")


def request_line(nothing: str = "-") -> pl.Expr:
    """Return ``METHOD target PROTOCOL``, and ``nothing`` where there was no request."""
    return pl.format("{} {} {}", "method", "target", "protocol").fill_null(nothing)


def size_or_dash() -> pl.Expr:
    """Return the bytes of the body with ``-`` for none (Apache's ``%b``)."""
    size = pl.col("bytes")
    return pl.when(size == 0).then(pl.lit("-")).otherwise(size.cast(pl.String))


def path() -> pl.Expr:
    """Return the target up to its question mark."""
    return pl.col("target").str.extract(r"^([^?]*)")


def query() -> pl.Expr:
    """Return what follows the target's question mark; null for nothing."""
    return pl.col("target").str.extract(r"\?(.+)$")


def seconds(name: str, digits: int) -> pl.Expr:
    """Return microseconds as seconds with up to six ``digits`` after the point, cut off there."""
    micros = pl.col(name)
    part = (micros % 1_000_000).cast(pl.String).str.zfill(6).str.head(digits)
    return pl.format("{}.{}", micros // 1_000_000, part)
