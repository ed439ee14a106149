"""Numbers with a check digit: cards, bank accounts, national numbers.

The arithmetic is python-stdnum's (https://arthurdejong.org/python-stdnum/). Check digits are what
tells such a number from any other of its length; one in ten, eleven or 97 others has them right by
chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from stdnum import iban as stdnum_iban
from stdnum import luhn
from stdnum.br import cpf
from stdnum.cn import ric
from stdnum.es import dni, nie
from stdnum.exceptions import ValidationError
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import ssn

Without = Callable[[str, str], str]
"""(text in one spelling, replacement) → the text with what was found replaced."""
Valid = Callable[[str], bool]

_GROUPS: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?:[\W_]{1,3}[0-9]+)*(?![0-9A-Za-z])")
_DIGITS: Final = re.compile(r"[0-9]+")
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[\W_]?[A-Za-z0-9]){11,30}", re.IGNORECASE
)
_IBAN_LEAST: Final = 15
_BIN: Final = frozenset("23456")
"""First digits of the numbers that payment cards have (ISO/IEC 7812)."""

# https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110
_NINO: Final = re.compile(
    r"(?i)(?<![a-z0-9])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"(?:[\W_]?[0-9]{2}){3}[\W_]?[A-D](?![a-z0-9])"
)
_SSN: Final = re.compile(r"(?<![0-9])[0-9]{3}([\W_])[0-9]{2}\1[0-9]{4}(?![0-9])")
_NIF: Final = re.compile(
    r"(?i)(?<![a-z0-9])(?:[XYZ][\W_]?[0-9]{7}|[0-9]{8})[\W_]?[A-Z](?![a-z0-9])"
)
_CODICE: Final = re.compile(
    r"(?i)(?<![a-z0-9])[A-Z]{6}[\W_]?[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[\W_]?"
    r"[A-Z][0-9LMNP-V]{3}[A-Z](?![a-z0-9])"
)
_NIR: Final = re.compile(
    r"(?i)(?<![a-z0-9])[1-8](?:[\W_]?[0-9]){4}[\W_]?(?:[0-9][\W_]?[0-9]|2[AB])"
    r"(?:[\W_]?[0-9]){8}(?![a-z0-9])"
)
_PERSONNUMMER: Final = re.compile(r"(?<![0-9])(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}(?![0-9])")
_HETU: Final = re.compile(r"(?i)(?<![a-z0-9])[0-9]{6}[-+ABCDEFYXWVU][0-9]{3}[0-9A-Z](?![a-z0-9])")
_RIC: Final = re.compile(r"(?i)(?<![a-z0-9])[0-9]{17}[0-9X](?![a-z0-9])")


def without_cards_checked(text: str, replacement: str) -> str:
    """Replace 13 to 19 digits, in groups or not, that a payment card may have (Luhn)."""
    return _without_numbers(text, replacement, range(13, 20), _is_card)


def without_ibans(text: str, replacement: str) -> str:
    """Replace account numbers of ISO 13616: a country's length and structure, modulus 97."""

    def account(match: re.Match[str]) -> str:
        found = match[0]
        ends = [at + 1 for at, character in enumerate(found) if character.isalnum()]
        for end in reversed(ends[_IBAN_LEAST - 1 :]):
            compact = "".join(filter(str.isalnum, found[:end]))
            if stdnum_iban.is_valid(compact, check_country=False):
                return replacement + found[end:]
        return found

    return _IBAN.sub(account, text)


def _shaped(pattern: re.Pattern[str], valid: Valid) -> Without:
    """Return what replaces the matches of ``pattern`` that are valid without their separators."""

    def found(match: re.Match[str], replacement: str) -> str:
        compact = "".join(filter(str.isalnum, match[0])).upper()
        return replacement if valid(compact) else match[0]

    return lambda text, replacement: pattern.sub(lambda match: found(match, replacement), text)


def _digits(size: int, valid: Valid) -> Without:
    return lambda text, to: _without_numbers(text, to, range(size, size + 1), valid)


def _without_numbers(text: str, replacement: str, sizes: range, valid: Valid) -> str:
    """Replace groups in a row whose digits together are of one of ``sizes`` and valid."""

    def numbers(match: re.Match[str]) -> str:
        found, kept, at = match[0], [], 0
        for start, end in _spans(found, sizes, valid):
            kept += [found[at:start], replacement]
            at = end
        return "".join((*kept, found[at:]))

    return _GROUPS.sub(numbers, text)


def _spans(text: str, sizes: range, valid: Valid) -> Iterator[tuple[int, int]]:
    groups = [(match.start(), match.end()) for match in _DIGITS.finditer(text)]
    first = 0
    while first < len(groups):
        digits = ""
        for last in range(first, len(groups)):
            digits += text[slice(*groups[last])]
            if len(digits) >= sizes.stop:
                break
            if len(digits) in sizes and valid(digits):
                yield groups[first][0], groups[last][1]
                first = last
                break
        first += 1


def _is_card(digits: str) -> bool:
    return digits[0] in _BIN and len(set(digits)) > 1 and luhn.is_valid(digits)


def _is_nif(compact: str) -> bool:
    return dni.is_valid(compact) or nie.is_valid(compact)


def _is_ric(compact: str) -> bool:
    """Tell by check digit and day of birth; which county was one in which year matters little."""
    try:
        ric.get_birth_date(compact)
    except ValidationError:
        return False
    return compact[-1] == ric.calc_check_digit(compact)


def _written(pattern: re.Pattern[str], valid: Valid) -> Without:
    """Return the same for numbers whose separator says something (a person's century)."""
    return lambda text, to: pattern.sub(lambda m: to if valid(m[0].upper()) else m[0], text)


NATIONAL: Final[Mapping[str, tuple[str, Without]]] = MappingProxyType(
    {
        "br-cpf": ("Brazil's CPF: two check digits", _digits(11, cpf.is_valid)),
        "cn-ric": ("China's resident identity number", _shaped(_RIC, _is_ric)),
        "es-nif": ("Spain's DNI and NIE: a check letter", _shaped(_NIF, _is_nif)),
        "fi-hetu": ("Finland's henkilötunnus", _written(_HETU, hetu.is_valid)),
        "fr-nir": ("France's NIR: modulus 97", _shaped(_NIR, nir.is_valid)),
        "gb-nino": ("National Insurance number: its shape alone", _shaped(_NINO, lambda _: True)),
        "in-aadhaar": ("India's Aadhaar: Verhoeff", _digits(12, aadhaar.is_valid)),
        "it-cf": ("Italy's codice fiscale", _shaped(_CODICE, codicefiscale.is_valid)),
        "kr-rrn": ("South Korea's resident number", _digits(13, rrn.is_valid)),
        "nl-bsn": ("Netherlands' BSN: the eleven test", _digits(9, bsn.is_valid)),
        "pl-pesel": ("Poland's PESEL", _digits(11, pesel.is_valid)),
        "se-personnummer": ("Sweden's", _written(_PERSONNUMMER, personnummer.is_valid)),
        "us-ssn": ("Social Security number: its shape alone", _shaped(_SSN, ssn.is_valid)),
    }
)
"""Country and number → (what it is, what replaces it)."""
LETTERED: Final = ("es-nif", "fi-hetu", "gb-nino", "it-cf")
"""Those with letters in them: what has digits only is `:id` or `:phone` whatever it is."""


def without_national(text: str, replacement: str) -> str:
    """Replace the national numbers of all countries listed."""
    for _, without in NATIONAL.values():
        text = without(text, replacement)
    return text


def without_lettered(text: str, replacement: str) -> str:
    """Replace those that have letters in them."""
    for name in LETTERED:
        text = NATIONAL[name][1](text, replacement)
    return text
