"""Detectors: each finds one kind of personal value in a text, by its shape or its check digits.

They are exact where the rules of a path are wide: a rule takes everything with an at sign, the
detector ``email`` an e-mail address. Rules and site rules name them; ``finds`` asks one alone.
docs/scrubbing.md has the precision and recall of each.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pipeline.restricted.scrub.grouped import without_addresses, without_cards, without_phones
from pipeline.restricted.scrub.numbers import (
    NATIONAL,
    Without,
    without_cards_checked,
    without_ibans,
    without_lettered,
    without_national,
)
from pipeline.restricted.scrub.randomness import (
    SERIAL,
    hides_text,
    looks_mixed,
    looks_random,
    looks_serial,
)
from pipeline.restricted.scrub.spelling import searchable

_EMAIL: Final = re.compile(
    r"[^\s@/?&=<>()\[\]:;,\"\\]{1,64} ?(?:@|[(\[{]\s?at\s?[)\]}]) ?"
    r"(?![0-9]+(?:\.[0-9]+)?x\.)(?:[^\s@/?&=<>()\[\]:;,\"\\.#%]{1,63}\.)+"
    r"(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})",
    re.IGNORECASE,
)
# With a plus sign; with a trunk prefix; as in North America, whole or without the area.
_PHONE: Final = re.compile(
    r"""(?x) (?<![0-9.+-]) (?:
        \+ \s? \(? [1-9] (?: [\s().\-/~_]{0,3} [0-9] ){6,14}
      | \(? 0 [0-9]{1,4} \)? (?: [\s.\-/~_]{1,2} [0-9]{2,8} ){1,4}
      | \(? [2-9] [0-9]{2} \)? [\s.\-/~_]{0,2} [0-9]{3} [\s.\-/~_] [0-9]{4}
      | [2-9] [0-9]{2} [\s\-~_] [0-9]{4}
    ) (?![0-9] | [.,-][0-9])"""
)
_SUBSCRIBER: Final = re.compile(r"[0-9]")
_TRUNK_DIGITS: Final = range(9, 13)
_UUID: Final = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])",
    re.IGNORECASE,
)
_HEX: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:0x)?(?=[0-9]*[A-Fa-f])(?=[A-Fa-f]*[0-9])"
    r"(?:[0-9a-f]{16,}|[0-9A-F]{16,})(?![0-9A-Za-z])"
)
_JWT: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(eyJ[A-Za-z0-9_-]{6,})\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"
)
_SESSION: Final = re.compile(
    r"(?:(?<=[?&;/,\s])|^)(?:j?sess(?:ion)?[-_]?(?:id|key|token)?|(?:php|asp|cf)sess(?:ion)?[a-z_]*"
    r"|aspsessionid[a-z]*|asp\.net_sessionid|connect\.sid|sid|s_id|cfid|cftoken|laravel_session)"
    r"=(?:[^&;#\s/]{6,})|\(s\([a-z0-9]{24}\)\)",
    re.IGNORECASE,
)
_COORDINATES: Final = re.compile(
    r"(?<![0-9.])(?P<a>[-+]?[0-9]{1,3}\.[0-9]{3,})°?\s?[NS]?(?:[,;_/~ |+]|,\s|%2C)"
    r"(?:[a-z]{1,9}=)?(?P<b>[-+]?[0-9]{1,3}\.[0-9]{3,})(?![0-9]*\.[0-9])",
    re.IGNORECASE,
)
_LAT_LON: Final = re.compile(
    r"(?<![a-z])lat(?:itude)?=(?P<a>[-+]?[0-9]{1,3}\.[0-9]{3,}).{0,12}?"
    r"(?<![a-z])(?:lo?ng?|longitude)=(?P<b>[-+]?[0-9]{1,3}\.[0-9]{3,})",
    re.IGNORECASE,
)
_LATITUDES, _LONGITUDES = 90.0, 180.0
_NAME: Final = re.compile(
    r"(?:(?<=[?&;/,\s])|^)(?:(?:first|last|full|sur|given|family|middle|maiden|nick|display|real|user|"
    r"login|customer|contact|author|patient|guest|member)?[-_]?name|[fl]name|username|user|login|"
    r"author|recipient|vorname|nachname|nom|prenom|prénom|nombre|apellidos?|nome|cognome|sobrenome|"
    r"imie|imię|nazwisko|naam|achternaam|имя|фамилия|όνομα|姓名|名前|氏名|이름|नाम|ชื่อ|اسم|שם)"
    r"=(?P<value>[^&;#=/]{2,})",
    re.IGNORECASE,
)
_LETTER: Final = re.compile(r"[^\W\d_]{2}|[^\x00-\x7f]")

_RUN: Final = re.compile(r"[A-Za-z0-9_+-]{12,}={0,2}")
_WORD: Final = re.compile(r"[A-Za-z0-9]{8,}={0,2}")


@dataclass(frozen=True, slots=True)
class Detector:
    """``without`` replaces what it finds in a text that ``spelling`` has made searchable."""

    name: str
    about: str
    without: Without

    def is_in(self, text: str) -> bool:
        """Tell whether ``text``, in one spelling, holds such a value."""
        return self.without(text, "\x00") != text


def finds(name: str, text: str) -> bool:
    """Tell whether detector ``name`` alone finds something in ``text`` as it came, any encoding."""
    return DETECTORS[name].is_in(searchable(text))


def without_random(text: str, replacement: str) -> str:
    """Runs with Base64's hyphens and underscores first, then serial numbers, then word by word."""

    def run(match: re.Match[str]) -> str:
        found = match[0]
        return replacement if hides_text(found) or looks_mixed(found) else found

    def word(match: re.Match[str]) -> str:
        return replacement if looks_random(match[0].rstrip("=")) else match[0]

    def serial(match: re.Match[str]) -> str:
        return replacement if looks_serial(match[0]) else match[0]

    return _WORD.sub(word, SERIAL.sub(serial, _RUN.sub(run, text)))


def _matched(
    pattern: re.Pattern[str], holds: Callable[[re.Match[str]], bool] = lambda _: True
) -> Without:
    return lambda text, to: pattern.sub(lambda match: to if holds(match) else match[0], text)


def _is_header(match: re.Match[str]) -> bool:
    """Tell whether a token's first part is a header as RFC 7515 has it: JSON with an algorithm."""
    try:
        header = base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4))
    except (binascii.Error, ValueError):
        return False
    return b'"alg"' in header


def _is_phone(match: re.Match[str]) -> bool:
    """Tell a number behind a trunk prefix from a day (``01.05.2014``) by how many digits it has."""
    found = match[0].lstrip("(")
    return found[0] != "0" or len(_SUBSCRIBER.findall(found)) in _TRUNK_DIGITS


def _is_place(match: re.Match[str]) -> bool:
    return abs(float(match["a"])) <= _LATITUDES and abs(float(match["b"])) <= _LONGITUDES


def _without_coordinates(text: str, replacement: str) -> str:
    text = _matched(_LAT_LON, _is_place)(text, replacement)
    return _matched(_COORDINATES, _is_place)(text, replacement)


def _names_somebody(match: re.Match[str]) -> bool:
    return _LETTER.search(match["value"]) is not None


_ALONE: Final = (
    Detector("email", "e-mail addresses", _matched(_EMAIL)),
    Detector(
        "phone",
        "telephone numbers with a plus or a trunk prefix, or as in North America",
        _matched(_PHONE, _is_phone),
    ),
    Detector("card", "13 to 19 digits of a payment card, Luhn", without_cards_checked),
    Detector("iban", "account numbers, modulus 97", without_ibans),
    Detector("national-id", "national numbers of all countries below", without_national),
    *(Detector(name, about, without) for name, (about, without) in NATIONAL.items()),
    Detector("jwt", "web tokens whose header is JSON", _matched(_JWT, _is_header)),
    Detector("uuid", "UUIDs with hyphens", _matched(_UUID)),
    Detector("hex", "16 hexadecimal digits or more, letters and digits", _matched(_HEX)),
    Detector("session", "session identifiers after their parameter's name", _matched(_SESSION)),
    Detector("coordinates", "latitude and longitude, three decimals", _without_coordinates),
    Detector("name", "values of `name=`, `user=`, …", _matched(_NAME, _names_somebody)),
)
_FOR_RULES: Final = (
    Detector("random", "runs of letters and digits that nobody would write", without_random),
    Detector("address", "hexadecimal groups of an address", without_addresses),
    Detector("wide-phone", "seven digits or more in groups", without_phones),
    Detector("wide-card", "sixteen digits or more in groups", without_cards),
    Detector("lettered-id", "national numbers that have letters", without_lettered),
)
DETECTORS: Final[Mapping[str, Detector]] = MappingProxyType(
    {one.name: one for one in (*_ALONE, *_FOR_RULES)}
)
"""Name → detector."""
WIDE: Final = frozenset(one.name for one in _FOR_RULES)
"""Detectors that only rules are made of: wide, since a path is no place for such a thing."""
