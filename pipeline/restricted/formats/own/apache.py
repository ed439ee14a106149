r"""Apache's ``LogFormat`` strings as layouts.

Directives after https://httpd.apache.org/docs/2.4/mod/mod_log_config.html: ``%`` with optional
conditions (``%400,501{User-agent}i``), ``<`` or ``>``, a name in braces and a letter.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import SettingsError
from pipeline.restricted.formats.layouts import Layout, Slot, joined
from pipeline.restricted.proxies import HEADER_COLUMNS

_DIRECTIVE: Final = re.compile(
    r"%(?:!?[0-9]{3}(?:,[0-9]{3})*)?[<>]?(?:\{([^}]*)\})?(\^t[io]|[A-Za-z])"
)
_LETTERS: Final = frozenset("aAbBCDefhHiIklLmnoOpPqrRsStTuUvVX") | {"^ti", "^to"}
_PLAIN: Final = {
    "h": "address", "a": "address", "r": "request", "m": "method", "U": "path", "q": "query",
    "s": "status", "b": "size", "B": "size", "O": "size", "v": "host", "V": "host",
    "D": "response_us", "T": "response_s",
}  # fmt: skip
_TOOK: Final = {"s": "response_s", "ms": "response_ms", "us": "response_us"}
"""Unit in ``%{UNIT}T`` → slot."""
_HEADERS: Final = {
    "referer": "referrer", "user-agent": "agent", "host": "host",
    **{name: column for name, column in HEADER_COLUMNS.items() if name != "proxy"},
}  # fmt: skip
_STRFTIME: Final = re.compile("%([A-Za-z])")
_LONG: Final = re.compile("%[DFRTehbB]")
_PARTS: Final = {
    "%D": "%m/%d/%Y", "%F": "%Y-%m-%d", "%R": "%H:%M", "%T": "%H:%M:%S", "%e": "%d", "%h": "%m",
    "%b": "%m", "%B": "%m",
}  # fmt: skip
_WRITTEN: Final = {
    "sec": "epoch", "msec": "epoch", "usec": "micros", "%s": "epoch",
    "%d/%b/%Y:%H:%M:%S %z": "clf", "%d/%b/%Y:%T %z": "clf",
    "%Y-%m-%dT%H:%M:%S%z": "iso", "%Y-%m-%dT%T%z": "iso", "%FT%T%z": "iso",
}  # fmt: skip
"""How a time is written → what its slot holds."""


def layout(text: str) -> Layout:
    r"""Return the layout of a ``LogFormat`` string, with its quotes as ``"`` or ``\"``.

    Raises SettingsError that names the directive which is none.
    """
    text = text.replace(r"\"", '"').replace(r"\t", "\t")
    made: list[str | Slot] = []
    at = 0
    while at < len(text):
        if text[at] != "%":
            end = text.find("%", at)
            end = len(text) if end < 0 else end
            made.append(text[at:end])
            at = end
        elif text.startswith("%%", at):
            made.append("%")
            at += 2
        else:
            found = _DIRECTIVE.match(text, at)
            if found is None or found[2] not in _LETTERS:
                raise SettingsError(f"format: there is no directive {text[at : at + 12]!r}")
            made += _slots(found[1], found[2])
            at = found.end()
    return joined(made)


def _slots(name: str | None, letter: str) -> list[str | Slot]:
    if letter == "t":
        return _time(name)
    if letter == "i":
        return [Slot(_HEADERS.get((name or "").lower()))]
    if letter == "T" and name is not None:
        return [Slot(_TOOK.get(name))]
    if name is not None and letter not in {"a", "s"}:
        return [Slot(None)]
    # %{c}a is the peer of the connection, which behind a proxy is the proxy.
    return [Slot(None if name else _PLAIN.get(letter))]


def _time(name: str | None) -> list[str | Slot]:
    if name is None:
        return ["[", Slot("clf"), "]"]
    clock = name.removeprefix("begin:").removeprefix("end:")
    return [Slot(_WRITTEN[clock]) if clock in _WRITTEN else _when(clock)]


def _when(form: str) -> Slot:
    """Return the slot of a time written by ``strftime``, whole or one of its halves."""
    said = set(_STRFTIME.findall(_LONG.sub(lambda part: _PARTS[part[0]], form)))
    day, clock = said >= {"Y", "d"}, said >= {"H", "M"}
    if day or clock:
        return Slot("when" if day and clock else "day" if day else "clock", form)
    # Parts of a second and the like; a format needs another time beside them.
    return Slot(None)
