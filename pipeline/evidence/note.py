"""The signature of a bundle: a signed note (c2sp.org/signed-note) over the manifest's SHA-256."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipeline.errors import IntegrityError, SettingsError

_TITLE: Final = "partywall evidence bundle, version 1"
_ED25519: Final = b"\x01"


class Signer(Protocol):
    """Whoever signs: ``sign`` makes a signed note of a text that ends in a newline."""

    @property
    def verifier(self) -> object:
        """The public half; ``str()`` of it is its vkey, ``name+hash+base64``."""
        ...

    def sign(self, text: str) -> bytes:
        """Return the text, an empty line and the signature's line."""
        ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """An Ed25519 verifier key: its name, four bytes that tell it from others, and the key."""

    name: str
    hash: bytes
    public: bytes

    def __str__(self) -> str:
        """The key as text."""
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.hash.hex()}+{encoded}"


def parse_vkey(vkey: str) -> Verifier:
    """Read a verifier key; raises SettingsError for what is none, or is written in another way."""
    name, _, rest = vkey.partition("+")
    _, _, encoded = rest.partition("+")
    try:
        data = base64.b64decode(encoded, validate=True)
        found = Verifier(name, _hash(name, data[1:]), data[1:])
        valid = str(found) == vkey and name.isprintable() and bool(name)
        Ed25519PublicKey.from_public_bytes(data[1:])
    except ValueError:
        valid = False
        found = None
    if not valid or found is None or " " in name:
        raise SettingsError("is no Ed25519 verifier key: write name+hash+base64 on one line")
    return found


def _hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def statement(case: str, manifest_sha256: str, vkey: str) -> str:
    """Return the text that is signed."""
    return f"{_TITLE}\ncase {case}\nmanifest.json sha256 {manifest_sha256}\nkey {vkey}\n"


def check(note: bytes, case: str, manifest_sha256: str) -> Verifier:
    """Return the key that signed this manifest; raises IntegrityError where none did.

    Nothing in the note may be other than what a signer with that key would have written.
    """
    try:
        text = note.decode()
        head, _, line = text.rpartition("\n\n")
        key = parse_vkey(head.rpartition("\nkey ")[2])
        encoded = line.removeprefix(f"\u2014 {key.name} ").removesuffix("\n")
        data = base64.b64decode(encoded, validate=True)
        expected = statement(case, manifest_sha256, str(key))
        rebuilt = f"{expected}\n\u2014 {key.name} {base64.b64encode(data).decode()}\n"
    except (ValueError, SettingsError):
        raise IntegrityError("is no signed note of a bundle") from None
    if rebuilt != text or data[:4] != key.hash:
        raise IntegrityError("does not sign this manifest")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(data[4:], expected.encode())
    except InvalidSignature:
        raise IntegrityError("the signature does not verify") from None
    return key
