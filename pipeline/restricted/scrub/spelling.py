r"""One spelling for a path, so that a rule needs to know no other.

``%40``, ``\x40``, ``\u0040`` and ``&#64;`` are all ``@``; a full-width digit is a digit, any dash a
hyphen; a punycoded label is what it stands for; ``/a/./b`` is ``/a/b``.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

_DECODINGS: Final = 6
ODD: Final = "\x00"
"""Stands for characters that no rule would know; the first rule takes the segment."""

# As JSON, JavaScript, Java, C and old servers of Microsoft write a character, and as HTML does. A
# backslash that is itself escaped counts as one.
_ESCAPE: Final = re.compile(
    r"""(?ix)
    (?<!\\) \\+ (?: u (?P<four> [0-9a-f]{4} ) | u\{0* (?P<braced> [0-9a-f]{1,6} ) \}
                  | x (?P<byte> [0-9a-f]{2} ) )
    | %u (?P<old> [0-9a-f]{4} )
    | & (?: amp; )* (?: \#x0* (?P<hex> [0-9a-f]{1,6} ) | \#0* (?P<decimal> [0-9]{1,7} )
                      | (?P<at> commat ) ) ;
    """
)
_MAY_BE_ESCAPED: Final = re.compile(r"[\\%&]")
# A label of a host name in ASCII (RFC 5890, RFC 3492); labels have at most 63 characters.
_PUNYCODE: Final = re.compile(r"(?<![a-z0-9])xn--([a-z0-9-]{1,59})(?![a-z0-9-])", re.IGNORECASE)
# An a in a circle or in brackets reads as an at sign; normalisation would make it a letter.
_AT_SIGNS: Final = dict.fromkeys(map(ord, "\u24d0\u24b6\u249c"), "@")
_STOPS: Final = dict.fromkeys(map(ord, "\u3002\u2024"), ".")

# Parameters of a segment (;jsessionid=…), and a query that lost its question mark, but not the rest
# of an address such as a&b@example.com: the rules are to see that whole.
_PARAMETERS: Final = re.compile(r";.*|&(?![^;]*@).*", re.DOTALL)

_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc"})
_DASHES: Final = "\N{MINUS SIGN}\N{MODIFIER LETTER MINUS SIGN}"
_ASCII_MARKED: Final = re.compile(r"(?<=[\x00-\x7f])[^\x00-\x7f]+")
# Between two digits a letter of another script is a separator, save where dates are written so; the
# mark of a long vowel, one of Japan's dashes, between hexadecimal ones too.
_BETWEEN: Final = re.compile(
    r"(?<=[0-9])[^\x00-\x7f年月日時分时년월일]{1,3}(?=[0-9])"
    "|(?<=[0-9A-Za-z])\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}(?=[0-9A-Za-z])"
)


def decoded(path: str) -> str:
    """Undo percent-encoding and escapes until nothing changes, then bring look-alikes together.

    What is still escaped after six rounds stays so, with ODD in it.
    """
    path = _unescaped(path)
    return path if path.isascii() else _one_script(path)


def searchable(text: str) -> str:
    """Bring any text, a query or a header too, to the spelling in which detectors look for values.

    As ``decoded``, but characters that no rule knows stay, since nothing is to be shown: what has
    no width (zero-width spaces, marks of direction, soft hyphens) is dropped, digits of all scripts
    are ASCII's.
    """
    for _ in range(2):
        # Twice, since a mark of no width may hide an escape, and a wide percent sign begin one.
        text = _unescaped(text)
        if text.isascii():
            return text
        text = "".join(map(_bare, text.translate(_AT_SIGNS | _STOPS)))
        text = _ASCII_MARKED.sub(_unmarked, unicodedata.normalize("NFKC", text))
    return _BETWEEN.sub("-", text)


def _unescaped(path: str) -> str:
    for _ in range(_DECODINGS):
        if not _MAY_BE_ESCAPED.search(path):
            break
        encoded = _ESCAPE.sub(_percent_encoded, path).encode("utf-8", "replace")
        again = unquote_to_bytes(encoded).decode("utf-8", "replace")
        if again == path:
            break
        path = again
    else:
        path = _ESCAPE.sub(ODD, path)
    return _PUNYCODE.sub(_unpunycoded, path) if "--" in path else path


def segments_of(path: str) -> tuple[list[str], bool]:
    """Return a decoded path's segments, and whether it ends in a slash.

    Without parameters, empty segments, ``.`` and ``..`` (RFC 3986, section 5.2.4).
    """
    parts = path.replace("\\", "/").split("/")[1:]
    if ";" in path or "&" in path:
        parts = [_PARAMETERS.sub("", part) for part in parts]
    segments: list[str] = []
    for segment in parts:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    return [*filter(None, segments)], not parts or parts[-1] in {"", ".", ".."}


def _percent_encoded(match: re.Match[str]) -> str:
    """Write an escaped character as percent-encoded UTF-8; a byte as that byte."""
    kind = match.lastgroup or ""
    if kind == "byte":
        return f"%{match[kind]}"
    if kind == "at":
        return "@"
    point = int(match[kind], 10 if kind == "decimal" else 16)
    if point > sys.maxunicode:
        return ODD
    return "".join(f"%{byte:02X}" for byte in chr(point).encode("utf-8", "surrogatepass"))


def _unpunycoded(match: re.Match[str]) -> str:
    try:
        return match[1].encode("ascii").decode("punycode")
    except UnicodeError:
        return match[0]


def _bare(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me"}:
        return character if category == "Mn" and unicodedata.combining(character) else ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return " " if category == "Zs" else _dashed(character)


def _one_script(path: str) -> str:
    path = path.translate(_AT_SIGNS)
    path = "".join(map(_dashed, unicodedata.normalize("NFKC", path)))
    path = "".join(map(_known, _ASCII_MARKED.sub(_unmarked, path)))
    return _BETWEEN.sub("-", path)


def _dashed(character: str) -> str:
    dash = character in _DASHES or unicodedata.category(character) == "Pd"
    return "-" if dash else character


def _unmarked(match: re.Match[str]) -> str:
    """Drop accents that stand on nothing they could be composed with: on digits and separators."""
    return match[0].lstrip("".join(c for c in match[0] if unicodedata.category(c) in {"Mn", "Mc"}))


def _known(character: str) -> str:
    known = character.isascii() or unicodedata.category(character) in _LETTERS
    return character if known else ODD
