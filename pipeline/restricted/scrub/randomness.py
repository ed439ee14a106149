"""Tells made-up strings from words: ids, tokens and digests carry no meaning to an analyst.

Shared by the scrubbing of paths and of referrer hosts. A detector of this kind misses some and
takes some too many; what it misses is bounded by k further on.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from pipeline.restricted.scrub.letters import is_drawn

_DIGIT_CHANGES: Final = re.compile(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])")
_HUMP: Final = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[A-Z][a-z])")
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}", re.IGNORECASE)
_VOWELS: Final = re.compile(r"[aeiouy]", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[A-Z]?[a-z]{11,}|[A-Z]{12,}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
# Base64 of text always has capitals, mostly digits too. Words have neither; by chance alone, one
# long word in ten thousand would decode to text.
_TEXT_BASE64: Final = re.compile(r"[0-9]|[A-Z].*[A-Z]")
_MIXED: Final = re.compile(r"(?=.*[a-z])(?=.*[A-Z])")

_INNER_TURNS: Final = re.compile(
    r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9]+[A-Za-z])|[a-z](?=[A-Z])|[A-Z](?=[A-Z]+[a-z0-9])"
)

SERIAL: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"[A-Za-z0-9]{4}(?:[-_.][A-Za-z0-9]{4}){2,}|"
    r"[A-Za-z0-9]{5}(?:[-_.][A-Za-z0-9]{5}){2,}|"
    r"[A-Za-z0-9]{6}(?:[-_.][A-Za-z0-9]{6}){2,}"
    r")(?![A-Za-z0-9])"
)
"""Three groups or more of one length: what ``looks_serial`` is to be asked about."""
_FOURS: Final = re.compile(r"[a-z]{4}(?:[-_.][a-z]{4}){3,}")
_SEPARATOR: Final = re.compile("[-_.]")
_FEW, _FOUR = 3, 4
"""Groups of a serial number at least, and of a password."""

_SHORT: Final = 8
_MEDIUM: Final = 12
_LONG: Final = 16
_VERY_LONG: Final = 40
_TURNS: Final = 3
_INNER: Final = 4


def looks_random(run: str) -> bool:
    """Tell whether ``run``, letters and digits without separators, was made by a machine.

    The signs: letters and digits in turns; letters that don't follow each other in words; a long
    chain of consonants with few vowels; case that changes without making words; text once decoded
    from Base64; more than 40 characters.
    """
    size = len(run)
    if size < _SHORT:
        return False
    if size > _VERY_LONG:
        return True
    if run.isascii() and run.isalpha() and run[1:].islower():
        return size >= _MEDIUM and is_drawn(run)
    changes = len(_DIGIT_CHANGES.findall(run))
    if changes >= _TURNS or (
        changes == _TURNS - 1 and size >= _MEDIUM and run[0].isalpha() and _humps(run)
    ):
        return True
    return size >= _MEDIUM and (
        (_MIXED.match(run) is not None and _humps(run))
        or (_CONSONANTS.search(run) is not None and len(_VOWELS.findall(run)) * 4 < size)
        or any(map(is_drawn, _LETTERS.findall(run)))
        or hides_text(run)
    )


def looks_serial(run: str) -> bool:
    """Tell whether ``run``, a match of SERIAL, is a serial number, a coupon or a password.

    Such are in capitals, mix letters and digits, or are drawn letters in fours, as passwords made
    for one application are. Words that happen to be of one length are neither. A word before it, or
    an ending (``.html``), may be of that length too: it is looked at without its ends as well.
    """
    groups = _SEPARATOR.split(run)
    mixed = sum(not group.isalpha() and not group.isdigit() for group in groups)
    capitals = any("".join(part).isupper() for part in _trimmed(groups, _FEW))
    return mixed > 1 or capitals or _is_password(run)


def looks_made_up(run: str) -> bool:
    """Tell whether ``run``, a word or words with separators, looks random or like a password."""
    return _is_password(run) if _SEPARATOR.search(run) else looks_random(run)


def _is_password(run: str) -> bool:
    if not _FOURS.fullmatch(run):
        return False
    return any(is_drawn(*part) for part in _trimmed(_SEPARATOR.split(run), _FOUR))


def _trimmed(groups: list[str], least: int) -> list[list[str]]:
    """Return the groups, and those without the first, the last and both: ``least`` or more."""
    parts = (groups, groups[1:], groups[:-1], groups[1:-1])
    return [part for part in parts if len(part) >= least]


def _humps(run: str) -> bool:
    """Tell whether the case changes more often than words in CamelCase would make it."""
    return len(_HUMP.findall(run)) * 4 > len(run)


def looks_mixed(run: str) -> bool:
    """Tell whether ``run``, with hyphens or underscores in it, is a token rather than a title.

    A token cut up by its own ``-`` and ``_`` may have no long word left. What counts is how often
    the kind of character changes inside its words, digits at a word's end (``css3``) aside.
    """
    size = len(run)
    turns = len(_INNER_TURNS.findall(run))
    return size >= _LONG and turns >= _INNER and turns * 7 >= size


def hides_text(run: str) -> bool:
    """Tell whether ``run`` is Base64 (either alphabet, padded or not) of printable ASCII."""
    if not _BASE64.fullmatch(run) or not _TEXT_BASE64.search(run):
        return False
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) >= _SHORT and decoded.decode("latin-1").isprintable() and decoded.isascii()
