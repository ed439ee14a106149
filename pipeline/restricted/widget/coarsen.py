"""The closed table of coarsenings: the only ways in which a widget's property may cross door 1.

A coarsening names the one field it makes. Most answer from a closed list, and ``target`` with what
may be said of a host; ``page``, ``referrer`` and ``time`` hand the value to the describers that a
web server's lines go through as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pipeline import declarations
from pipeline.restricted.referrer import LONGEST_HOST, Referrers

Value = str | int | float | None
"""A property's value once it was found to fit its schema; a float is a whole number."""

NONE: Final = "(none)"
"""The value of a field that an event, or a web server's line, has no property for."""
OTHER: Final = "(other)"
REQUEST: Final = "request"
"""The event of a web server's line."""

FIELDS: Final = ("event", "detail", "locale", "screen", "widget_version")
"""Fields of an event that only widgets fill."""


@dataclass(frozen=True, slots=True, eq=False)
class Coarsening:
    """``field``: what it makes. ``type`` and ``wants``: how the property must be declared.

    ``say`` answers with all that may cross; it is None where a describer, or the schema, does.
    A value that fits the declaration is never refused.
    """

    field: str
    type: str
    wants: Mapping[str, object]
    say: Callable[[Value], str] | None = None


def _listed(name: str) -> frozenset[str]:
    found = declarations.load("widget/lists.yaml")[name]
    return frozenset(found.split() if isinstance(found, str) else found)


_LOCALES: Final = {entry.lower(): entry for entry in _listed("locales")}
_SCREENS: Final = _listed("screens")
_ERRORS: Final = _listed("errors")
_LENGTHS: Final = (
    (0, "length_0"),
    (20, "length_1_to_20"),
    (100, "length_21_to_100"),
    (500, "length_101_to_500"),
    (math.inf, "length_over_500"),
)
_WAITS: Final = (
    (10, "waited_up_to_10_s"),
    (30, "waited_11_to_30_s"),
    (60, "waited_31_to_60_s"),
    (180, "waited_1_to_3_min"),
    (600, "waited_3_to_10_min"),
    (math.inf, "waited_over_10_min"),
)
_OUTBOUND: Final = "outbound_"
_UNNAMED: Final = f"{_OUTBOUND}unnamed"
_HOSTS: Final = Referrers()
_SCRIPT: Final = re.compile(r"(?<=-)[a-z]{4}-")
# Two digits each: a version with room for more would have room for a telephone number.
_VERSION: Final = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}")


def author(value: Value) -> str:
    """Return which of the two wrote a message."""
    return f"message_by_{'visitor' if value == 'visitor' else 'agent'}"


def locale(value: Value) -> str:
    """Return a language or language-REGION of the closed list, else ``(other)``."""
    text = str(value).strip().lower().replace("_", "-")[:16]
    return _LOCALES.get(_SCRIPT.sub("", text, count=1), OTHER)


def screen(value: Value) -> str:
    """Return the class of the screen, else ``(other)``."""
    return str(value) if value in _SCREENS else OTHER


def version(value: Value) -> str:
    """Return three numbers of at most two digits each, else ``(other)``."""
    text = str(value)
    return text if _VERSION.fullmatch(text) and text.isascii() else OTHER


def length(value: Value) -> str:
    """Return the class of a message's length."""
    return _class(value, _LENGTHS)


def waited(value: Value) -> str:
    """Return the class of how long a visitor waited for a chat, given seconds."""
    return _class(value, _WAITS)


def _class(value: Value, classes: Sequence[tuple[float, str]]) -> str:
    """Return the first class whose most is not less than a number."""
    return next(name for most, name in classes if float(value or 0) <= most)


def rating(value: Value) -> str:
    """Return a rating from 1 to 5."""
    return f"rating_{min(5, max(1, int(value or 1)))}"


def error(value: Value) -> str:
    """Return the code of an error of the closed list."""
    return f"error_{value}" if value in _ERRORS else "error_other"


def target(value: Value) -> str:
    """Return the host that a link leads to, as a referring host is named; nothing else of it."""
    name = _HOSTS.name(str(value))
    return _UNNAMED if name is None else f"{_OUTBOUND}{name}"


_URL: Final[Mapping[str, object]] = MappingProxyType({"format": "uri"})
_ANY: Final[Mapping[str, object]] = MappingProxyType({})

COARSENINGS: Final[Mapping[str, Coarsening]] = MappingProxyType(
    {
        "event": Coarsening("event", "string", _ANY),
        "author": Coarsening("event", "string", {"enum": ["visitor", "agent"]}, author),
        "time": Coarsening("time", "integer", _ANY),
        "page": Coarsening("page", "string", _URL),
        "referrer": Coarsening("referrer", "string", _URL),
        "locale": Coarsening("locale", "string", _ANY, locale),
        "screen": Coarsening("screen", "string", _ANY, screen),
        "version": Coarsening("widget_version", "string", _ANY, version),
        "length": Coarsening("detail", "integer", {"minimum": 0}, length),
        "waited": Coarsening("detail", "integer", {"minimum": 0}, waited),
        "rating": Coarsening("detail", "integer", {"minimum": 1, "maximum": 5}, rating),
        "error": Coarsening("detail", "string", _ANY, error),
        "target": Coarsening("detail", "string", _URL, target),
    }
)
"""Name in a schema's ``x-door`` → what it does."""


def values() -> dict[str, frozenset[str] | re.Pattern[str]]:
    """Return what each field but the event's may hold, for documents and tests."""
    details = {name for _, name in (*_LENGTHS, *_WAITS)} | {"error_other", _UNNAMED, NONE}
    details |= {f"rating_{number}" for number in range(1, 6)}
    details |= {f"error_{name}" for name in _ERRORS}
    return {
        "detail": re.compile(
            rf"{'|'.join(map(re.escape, sorted(details)))}"
            rf"|{_OUTBOUND}(?=.{{1,{LONGEST_HOST}}}$)[a-z0-9_-]+(?:\.[a-z0-9_-]+)+"
        ),
        "locale": frozenset({*_LOCALES.values(), OTHER, NONE}),
        "screen": _SCREENS | {OTHER, NONE},
        "widget_version": re.compile(rf"{_VERSION.pattern}|\(other\)|\(none\)"),
    }
