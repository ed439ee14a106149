"""The text form of signed notes: https://c2sp.org/signed-note (no keys here)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from pipeline.errors import IntegrityError

MARK: Final = "\N{EM DASH} "
MOST_SIGNATURES: Final = 16
_ID_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: key name, key id (4 bytes) and signature."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line, newline included."""
        return f"{MARK}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


def join(text: str, signatures: list[Signature]) -> bytes:
    """Return a note of a text that ends in a newline; raises ValueError for any other."""
    if not text.endswith("\n") or any(c < " " and c != "\n" for c in text):
        raise ValueError("a note's text ends in a newline and has no other control character")
    return f"{text}\n{''.join(s.line() for s in signatures)}".encode()


def split(note: bytes) -> tuple[str, list[Signature]]:
    """Return text and signatures of a note; raises IntegrityError where it is none."""
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError("the note is not text") from error
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n") or any(c < " " and c != "\n" for c in whole):
        raise IntegrityError("the note has no signature, or is cut")
    found = lines[:-1].split("\n")
    if len(found) > MOST_SIGNATURES:
        raise IntegrityError("the note has more signatures than anyone needs")
    return text + "\n", [_signature(line) for line in found]


def decode64(text: str) -> bytes:
    """Return what base64 stands for; raises IntegrityError for any but its one proper spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityError("base64 is broken") from error
    if base64.b64encode(data).decode() != text:
        raise IntegrityError("base64 is not in its canonical form")
    return data


def good_name(name: str) -> bool:
    """Tell whether a key may have this name: no blank, no plus, not empty."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


def _signature(line: str) -> Signature:
    mark, _, said = line.partition(" ")
    name, _, text = said.partition(" ")
    data = decode64(text)
    if f"{mark} " != MARK or not good_name(name) or len(data) <= _ID_BYTES:
        raise IntegrityError("a signature line of the note is malformed")
    return Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])
