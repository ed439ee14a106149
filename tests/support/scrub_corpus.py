"""A labelled corpus, drawn anew from a seed: what each detector has to find, and what not.

Numbers are made up and have the right check digits; none was given to anybody that we know of.
"""

from __future__ import annotations

import base64
import random
import string
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.cn import ric
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.nl import bsn
from stdnum.pl import pesel

from tests.support.scrub_ordinary import ORDINARY
from tests.support.scrub_spellings import ENCODINGS, SCRIPTS, ascii_label, word

SEED: Final = 20150517
OF_EACH: Final = 640
"""Values of each kind."""
ORDINARY_VALUES: Final = 12_000
_GLUED: Final = 60
"""One in so many stands right behind letters, where a number may be anything."""

Draw = Callable[[random.Random], str]


@dataclass(frozen=True, slots=True)
class Value:
    """``kind`` is the detector that has to find it; None for an ordinary value."""

    text: str
    kind: str | None
    encoding: str


def corpus(seed: int = SEED) -> Iterator[Value]:
    """Yield all values; equal seeds give equal ones."""
    for kind, draw in KINDS.items():
        rng = random.Random(f"{seed} {kind}")
        for number in range(OF_EACH):
            yield _written(rng, kind, draw(rng), number)
    rng = random.Random(f"{seed} ordinary")
    for number in range(ORDINARY_VALUES):
        yield _written(rng, None, ORDINARY[number % len(ORDINARY)](rng), number)


def _written(rng: random.Random, kind: str | None, value: str, number: int) -> Value:
    """Write a value in one of the encodings, at one of the places where such values stand."""
    encoding = list(ENCODINGS)[number % len(ENCODINGS)]
    key, mark, rest = value.partition("=") if kind in _KEYED else ("", "", value)
    # A parameter's name is the program's, not the visitor's: it is never written in another way.
    text = key + mark + ENCODINGS[encoding](rng, rest)
    place = "{}" if kind is None else rng.choice(["{}", "/x/{}", "/x/{}/edit", "/find?q=1&{}"])
    if kind not in {None, *_KEYED} and number % _GLUED == 0:
        place = "/ref{}"
    return Value(place.format(text), kind, encoding)


def _digits(rng: random.Random, size: int) -> str:
    return "".join(rng.choices(string.digits, k=size))


def _joined(rng: random.Random, digits: str, *sizes: int) -> str:
    """Write digits in groups of ``sizes``, or in one."""
    separator = rng.choice(["", " ", "-", "."])
    groups, at = [], 0
    for size in sizes:
        groups.append(digits[at : at + size])
        at += size
    return separator.join((*groups, digits[at:])).strip(separator or None)


def _until(rng: random.Random, draw: Draw, valid: Callable[[str], bool]) -> str:
    while True:
        found = draw(rng)
        if valid(found):
            return found


def _day(rng: random.Random) -> tuple[str, str, str]:
    return f"{rng.randrange(40, 99)}", f"{rng.randrange(1, 13):02}", f"{rng.randrange(1, 29):02}"


def _email(rng: random.Random) -> str:
    script = rng.choice(list(SCRIPTS))
    local = rng.choice([
        word(rng, script), f"{word(rng, script)}.{word(rng, script)}",
        f"{rng.choice('abcdef')}.{word(rng, 'Latin')}{rng.randrange(99)}",
        f"{word(rng, script)}+tag",
    ])  # fmt: skip
    host = rng.choice(
        ["example", "mail.example", word(rng, script), ascii_label(word(rng, script))]
    )
    at = rng.choice(["@"] * 8 + ["\uff20", "\ufe6b", "\u24d0", "(at)", " [at] "])
    return f"{local}{at}{host}.{rng.choice(['com', 'org', 'pl', 'co.uk', 'berlin', 'рф'])}"


def _phone(rng: random.Random) -> str:
    return rng.choice([
        f"+{rng.choice([1, 33, 44, 48, 49, 81, 91])}{_digits(rng, 9)}",
        f"+1 ({_digits(rng, 3)}) 555-{_digits(rng, 4)}",
        f"+44 20 7946 {_digits(rng, 4)}",
        f"{rng.randrange(201, 990)}-{_digits(rng, 3)}-{_digits(rng, 4)}",
        ".".join(["06", *(_digits(rng, 2) for _ in range(4))]),
        f"0{_digits(rng, 3)}/{_digits(rng, 7)}",
        f"555-{_digits(rng, 4)}",
    ])  # fmt: skip


def _card(rng: random.Random) -> str:
    start, size = rng.choice([("4", 16), ("51", 16), ("37", 15), ("6011", 16), ("35", 16)])
    body = start + _digits(rng, size - len(start) - 1)
    digits = body + luhn.calc_check_digit(body)
    return _joined(rng, digits, 4, 6) if size == 15 else _joined(rng, digits, 4, 4, 4)


def _iban(rng: random.Random) -> str:
    letters = "".join(rng.choices(string.ascii_uppercase, k=4))
    country, bban = rng.choice([
        ("DE", _digits(rng, 18)), ("NL", letters + _digits(rng, 10)), ("PL", _digits(rng, 24)),
        ("GB", letters + _digits(rng, 14)), ("AT", _digits(rng, 16)), ("CH", _digits(rng, 17)),
        ("FR", _digits(rng, 23)), ("NO", _digits(rng, 11)),
    ])  # fmt: skip
    whole = country + iban.calc_check_digits(f"{country}00{bban}") + bban
    whole = whole.lower() if rng.random() < 0.2 else whole
    separator = rng.choice(["", " ", "-"])
    return separator.join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _nif(rng: random.Random) -> str:
    if rng.random() < 0.5:
        body = _digits(rng, 8)
        return body + rng.choice(["", "-"]) + dni.calc_check_digit(body)
    body = rng.choice("XYZ") + _digits(rng, 7)
    return body + nie.calc_check_digit(body)


def _hetu(rng: random.Random) -> str:
    year, month, day = _day(rng)

    def draw(rng: random.Random) -> str:
        check = rng.choice("0123456789ABCDEFHJKLMNPRSTUVWXY")
        return f"{day}{month}{year}-{rng.randrange(2, 900):03}{check}"

    return _until(rng, draw, hetu.is_valid)


def _nir(rng: random.Random) -> str:
    year, month, _ = _day(rng)
    body = f"{rng.choice('12')}{year}{month}{rng.randrange(1, 96):02}{_digits(rng, 6)}"
    return _joined(rng, f"{body}{97 - int(body) % 97:02}", 1, 2, 2, 2, 3, 3)


def _codice(rng: random.Random) -> str:
    year, _, day = _day(rng)
    letters = "".join(rng.choices("BCDFGLMNPRSTVZ", k=6))
    birth = f"{year}{rng.choice('ABCDEHLMPRST')}{day}"
    body = f"{letters}{birth}{rng.choice('ABCDEFGHIL')}{_digits(rng, 3)}"
    whole = body + codicefiscale.calc_check_digit(body)
    return whole.lower() if rng.random() < 0.2 else whole


def _ric(rng: random.Random) -> str:
    year, month, day = _day(rng)
    county = rng.choice(["360426", "110101", "310104", "440106"])
    body = f"{county}19{year}{month}{day}{_digits(rng, 3)}"
    return body + ric.calc_check_digit(f"{body}0")


def _rrn(rng: random.Random) -> str:
    year, month, day = _day(rng)
    draw = f"{year}{month}{day}{rng.choice('12')}"
    digits = _until(rng, lambda r: f"{draw}{r.randrange(60):02}{_digits(r, 4)}", rrn.is_valid)
    return digits[:6] + rng.choice(["", "-"]) + digits[6:]


def _personnummer(rng: random.Random) -> str:
    year, month, day = _day(rng)
    body = f"{year}{month}{day}{_digits(rng, 3)}"
    century = rng.choice(["", "19"])
    return f"{century}{body[:6]}-{body[6:]}{luhn.calc_check_digit(body)}"


def _nino(rng: random.Random) -> str:
    prefix = rng.choice(["AB", "CE", "JM", "PR", "SK", "YZ", "WL"])
    sizes = (2, 2, 2, 2)
    whole = f"{prefix}{_digits(rng, 6)}{rng.choice('ABCD')}"
    return _joined(rng, whole, *sizes) if rng.random() < 0.5 else whole


def _ssn(rng: random.Random) -> str:
    area = _until(rng, lambda r: f"{r.randrange(1, 900):03}", lambda text: text != "666")
    separator = rng.choice("- .")
    return separator.join([area, f"{rng.randrange(1, 100):02}", f"{rng.randrange(1, 10_000):04}"])


def _jwt(rng: random.Random) -> str:
    header = rng.choice(
        ['{"alg":"HS256","typ":"JWT"}', '{"alg":"none"}', '{"typ":"JWT","alg":"RS256"}']
    )
    parts = [header, f'{{"sub":"{rng.randrange(10**9)}"}}', _digits(rng, 32)]
    return ".".join(base64.urlsafe_b64encode(p.encode()).decode().rstrip("=") for p in parts)


def _uuid(rng: random.Random) -> str:
    made = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return rng.choice([made, made.upper(), f"urn:uuid:{made}"])


def _hex(rng: random.Random) -> str:
    made = rng.randbytes(rng.choice([8, 16, 20, 32])).hex()
    return rng.choice([made, made.upper(), f"0x{made}"])


def _session(rng: random.Random) -> str:
    token = "".join(rng.choices(string.ascii_letters + string.digits, k=rng.choice([24, 26, 32])))
    key = rng.choice(["JSESSIONID", "PHPSESSID", "sid", "session_id", "sessionid",
                      "ASP.NET_SessionId", "connect.sid", "session", "sess", "CFID"])  # fmt: skip
    return f"{key}={token}"


def _coordinates(rng: random.Random) -> str:
    places = rng.choice([3, 4, 6])
    lat, lon = f"{rng.uniform(-89, 89):.{places}f}", f"{rng.uniform(-179, 179):.{places}f}"
    return rng.choice([f"{lat},{lon}", f"{lat};{lon}", f"{lat}_{lon}", f"lat={lat}&lon={lon}",
                       f"latitude={lat}&lng={lon}", f"{lat}, {lon}"])  # fmt: skip


def _name(rng: random.Random) -> str:
    script = rng.choice(list(SCRIPTS))
    key = rng.choice(["name", "first_name", "lastname", "username", "user", "fullname", "nick_name",
                      "author", "vorname", "nombre", "nom", "имя", "姓名"])  # fmt: skip
    value = word(rng, script) + rng.choice(["", f" {word(rng, script)}", f"+{word(rng, script)}"])
    return f"{key}={value}"


def _aadhaar(rng: random.Random) -> str:
    digits = _until(rng, lambda r: r.choice("23456789") + _digits(r, 11), aadhaar.is_valid)
    return _joined(rng, digits, 4, 4)


def _valid(size: int, valid: Callable[[str], bool], *sizes: int) -> Draw:
    return lambda rng: _joined(rng, _until(rng, lambda r: _digits(r, size), valid), *sizes)


KINDS: Final[Mapping[str, Draw]] = {
    "email": _email, "phone": _phone, "card": _card, "iban": _iban,
    "br-cpf": _valid(11, cpf.is_valid, 3, 3, 3), "cn-ric": _ric, "es-nif": _nif, "fi-hetu": _hetu,
    "fr-nir": _nir, "gb-nino": _nino, "in-aadhaar": _aadhaar, "it-cf": _codice, "kr-rrn": _rrn,
    "nl-bsn": _valid(9, bsn.is_valid, 4, 2), "pl-pesel": _valid(11, pesel.is_valid),
    "se-personnummer": _personnummer, "us-ssn": _ssn,
    "jwt": _jwt, "uuid": _uuid, "hex": _hex, "session": _session, "coordinates": _coordinates,
    "name": _name,
}  # fmt: skip
"""Detector → what draws a value that it has to find."""
_KEYED: Final = frozenset({"session", "name"})
