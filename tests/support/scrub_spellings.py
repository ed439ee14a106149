"""Scripts and encodings in which values turn up: what a labelled corpus is spelt in."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

SCRIPTS: Final[Mapping[str, str]] = {
    "Latin": "anna maría józef søren müller dvořák ağaoğlu françoise niño łukasz",
    "Greek": "άννα γιώργος ελένη νίκος παπαδόπουλος σοφία δημήτρης",
    "Cyrillic": "анна иван ольга шевченко дмитрий марія ковальчук",
    "Armenian": "աննա արամ գրիգոր պետրոսյան լիլիթ",
    "Georgian": "ანა გიორგი ნინო მაისურაძე თამარ",
    "Arabic": "محمد فاطمة علي حسين مريم يوسف",
    "Hebrew": "אברהם שרה דוד כהן רחל משה",
    "Devanagari": "अनिल सुनीता राहुल शर्मा प्रिया",
    "Bengali": "রহিম করিম সুমি আনিসুর শিউলি",
    "Thai": "สมชาย สมหญิง มานะ ปิติ วีระ",
    "Han": "王伟 李娜 张敏 陈静 劉德華",
    "Kana": "たなか さくら ハナコ タロウ すずき",
    "Hangul": "김민수 이영희 박지훈 최수진 정하나",
}
"""Script → words that could be somebody's name."""

_ZEROES: Final = {
    "Arabic digits": 0x0660,
    "Devanagari digits": 0x0966,
    "Bengali digits": 0x09E6,
    "Thai digits": 0x0E50,
}
_UNSEEN: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202e"
Encode = Callable[[random.Random, str], str]


def _percent(_: random.Random, text: str) -> str:
    return quote(text, safe="")


def _percent_all(_: random.Random, text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _twice(_: random.Random, text: str) -> str:
    return quote(quote(text, safe=""), safe="")


def _wide(_: random.Random, text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _wide_percent(rng: random.Random, text: str) -> str:
    return quote(_wide(rng, text), safe="")


def _entities(rng: random.Random, text: str) -> str:
    form = rng.choice(["&#{};", "&#x{:x};"])
    return "".join(c if c.isalnum() else form.format(ord(c)) for c in text)


def _escapes(rng: random.Random, text: str) -> str:
    form = rng.choice(["\\u{:04x}", "%u{:04X}"])
    plain = all(ord(c) < 0x10000 for c in text)
    return "".join(c if c.isalnum() and c.isascii() else form.format(ord(c)) for c in text) \
        if plain else text  # fmt: skip


def _unseen(rng: random.Random, text: str) -> str:
    """Characters of no width, and marks of direction, between any two characters."""
    return "".join(c + (rng.choice(_UNSEEN) if rng.random() < 0.3 else "") for c in text)


def _native(name: str) -> Encode:
    table = {ord("0") + digit: _ZEROES[name] + digit for digit in range(10)}
    return lambda _, text: text.translate(table)


ENCODINGS: Final[Mapping[str, Encode]] = {
    "raw": lambda _, text: text,
    "percent": _percent,
    "percent, all in lower case": _percent_all,
    "percent twice": _twice,
    "full width": _wide,
    "full width, percent": _wide_percent,
    "HTML entities": _entities,
    "escapes": _escapes,
    "unseen characters": _unseen,
    **{name: _native(name) for name in _ZEROES},
}
"""Name → what writes a value so."""


def word(rng: random.Random, script: str) -> str:
    """Draw a word of a script."""
    return rng.choice(SCRIPTS[script].split())


def ascii_label(text: str) -> str:
    """Write a label of a host name in ASCII: punycode where it is needed."""
    return text if text.isascii() else f"xn--{text.encode('punycode').decode()}"
