"""Ed25519 keys for signed notes: made, read, and written down as the field does.

A public key is a *vkey*, ``name+id+base64``, and a private one Go's ``PRIVATE+KEY+name+id+base64``
(https://c2sp.org/signed-note, https://pkg.go.dev/golang.org/x/mod/sumdb/note).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipeline.audit import notes
from pipeline.audit.keyfiles import read_private, read_text, write_new
from pipeline.errors import IntegrityError, SettingsError

_ED25519: Final = b"\x01"
_KEY_BYTES: Final = 32
_PRIVATE: Final = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key and its name. ``str()`` is its vkey."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encode(self.public)}"

    def open(self, note: bytes) -> str:
        """Return the text of a note that this key has signed; others' signatures are passed over.

        Raises IntegrityError where no signature is of this key, or one of this key is wrong.
        """
        text, signatures = notes.split(note)
        own = [s for s in signatures if (s.name, s.key_id) == (self.name, self.key_id)]
        if not own:
            raise IntegrityError(f"the note is not signed by {self.name}+{self.key_id.hex()}")
        key = Ed25519PublicKey.from_public_bytes(self.public)
        for signature in own:
            try:
                key.verify(signature.signature, text.encode())
            except InvalidSignature as error:
                raise IntegrityError(f"the signature of {self.name} does not verify") from error
        return text

    def open_only(self, note: bytes) -> str:
        """Return the text of a note with this key's signature alone, and not one byte besides.

        Raises IntegrityError as :meth:`open` does, and for another signature line.
        """
        text = self.open(note)
        _, signatures = notes.split(note)
        if len(signatures) != 1 or notes.join(text, signatures) != note:
            raise IntegrityError("the note holds more than its text and the log's signature")
        return text


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and its name; its repr shows the name alone."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """Return the note of a text that ends in a newline; raises ValueError for any other."""
        made = notes.Signature(self.name, self.verifier.key_id, self.private.sign(text.encode()))
        return notes.join(text, [made])


def parse_vkey(text: str) -> Verifier:
    """Return the key of a vkey; raises SettingsError where it is none, or its id is another's."""
    name, _, rest = text.strip().partition("+")
    key_id, _, data = rest.partition("+")
    verifier = Verifier(name, _decode(data))
    if not notes.good_name(name) or verifier.key_id.hex() != key_id:
        raise SettingsError("the vkey is damaged: its name, id and key do not belong together")
    return verifier


def parse_private(text: str) -> Signer:
    """Return the key of Go's ``PRIVATE+KEY+…`` line; raises SettingsError where it is none."""
    if not text.startswith(_PRIVATE):
        raise SettingsError("the signing key is of no known form")
    name, _, rest = text.strip().removeprefix(_PRIVATE).partition("+")
    key_id, _, data = rest.partition("+")
    signer = Signer(name, Ed25519PrivateKey.from_private_bytes(_decode(data)))
    if not notes.good_name(name) or signer.verifier.key_id.hex() != key_id:
        raise SettingsError("the signing key is damaged: its name, id and key do not fit")
    return signer


def make_signer(path: Path, name: str) -> Signer:
    """Make a key called ``name`` and write it to ``path``, mode 0600; never over an older one.

    The name is also a log's origin: no blanks, no plus, best like an address without its scheme
    (``example.com/audit``). Raises SettingsError.
    """
    if not notes.good_name(name):
        raise SettingsError("a signing key's name is without blanks and plus signs")
    signer = Signer(name, Ed25519PrivateKey.generate())
    data = _encode(signer.private.private_bytes_raw())
    line = f"{_PRIVATE}{name}+{signer.verifier.key_id.hex()}+{data}\n"
    write_new("signing key", path, line, mode=0o600)
    return signer


def read_signer(path: Path) -> Signer:
    """Return the key in ``path``; raises SettingsError where it is none, or not private."""
    try:
        return parse_private(read_private("signing key", path))
    except SettingsError as error:
        raise SettingsError(f"signing key {path}: {error}") from error


def write_vkey(path: Path, verifier: Verifier) -> None:
    """Write a vkey for all to read; never over an older file. Raises SettingsError."""
    write_new("vkey", path, f"{verifier}\n", mode=0o644)


def read_vkey(path: Path) -> Verifier:
    """Return the vkey in a file; raises SettingsError where it is missing or none."""
    try:
        return parse_vkey(read_text("vkey", path))
    except SettingsError as error:
        raise SettingsError(f"vkey {path}: {error}") from error


def _encode(key: bytes) -> str:
    return base64.b64encode(_ED25519 + key).decode()


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if data[:1] != _ED25519 or len(data) != 1 + _KEY_BYTES:
        raise SettingsError("the key is no Ed25519 key in base64")
    return data[1:]
