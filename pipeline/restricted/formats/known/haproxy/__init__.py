"""HAProxy's HTTP log (``option httplog``): https://docs.haproxy.org/2.8/configuration.html#8.2.3.

Times are local, without an offset. What is not printable is written ``#hh``, and so are ``"``,
``#``, and in headers ``{``, ``|`` and ``}`` (8.6 there).
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import Context, Format, Read
from pipeline.restricted.formats.layouts import patterned
from pipeline.restricted.formats.pieces import mapped, without_origins, without_ports

_SYSLOG: Final = r"^[^\[]*\[[0-9]+\]: "
_HEAD: Final = (
    # Without the fraction of the second, times are the same in many lines and read once.
    r"^(?P<address>[^ ]+) \[(?P<when>[^\].]+)(?:\.[0-9]+)?\] [^ ]+ [^ ]+ "
    r"(?:[^ /]+/){4}\+?(?P<response_ms>[^ /]+) "
    r"(?P<status>-?[0-9]+) \+?(?P<size>[0-9]+) [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ "
)
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_FORM: Final = "%d/%b/%Y:%H:%M:%S"


def _captured(value: str) -> str:
    """Return the pattern of captured request headers, in the order that README.md asks for."""
    inner = rf"(?:\|(?P<forwarded_for>{value})(?:\|[^}}]*)?)?"
    inner = rf"(?:\|(?P<referrer>{value})(?:\|(?P<agent>{value}){inner})?)?"
    return rf"(?:\{{(?P<host>{value}){inner}\}} (?:\{{[^}}]*\}} )?)?"


def _plain(values: pl.Series) -> pl.Series:
    return mapped(values, "#", _unescape)


def _unescape(text: str) -> str:
    def plain(match: re.Match[bytes]) -> bytes:
        return bytes.fromhex(match[1].decode())

    return _ESCAPE.sub(plain, text.encode("utf-8", "replace")).decode("utf-8", "replace")


def reader(tail: str = "") -> Read:
    """Return what reads lines that end in ``tail``, whose group ``sni`` names the host."""
    request = r'"(?P<method>[A-Z]+) (?P<target>[^ "#]+) HTTP/[0-9.]+"'
    lines_read = patterned(
        f"{_HEAD}{_captured('[^|}#]*')}{request}{tail}$",
        # A long request is cut off, and its last quote with it.
        rf'{_HEAD}{_captured("[^|}]*")}"(?P<request>[^"]*)"{"" if tail else "?"}{tail}\s*$',
        form=_FORM,
        plain=_plain,
        mend=_host if tail else None,
    )

    def read(lines: pl.Series, context: Context) -> pl.DataFrame:
        tagged = lines.str.contains(_SYSLOG).fill_null(value=False)
        if tagged.any():
            lines = lines.str.replace(_SYSLOG, "").zip_with(tagged, lines)
        return without_origins(without_ports(lines_read(lines, context)))

    return read


def _host(found: pl.DataFrame) -> pl.DataFrame:
    captured = pl.when(pl.col("host") != "").then("host")
    return found.with_columns(pl.coalesce(captured, "sni").alias("host"))


FORMAT: Final = Format("haproxy", "HAProxy HTTP log, also after haproxy[123]:", reader())
