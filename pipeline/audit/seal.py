"""Seals what only auditors may read of an entry: predicates, free reasons (HPKE, RFC 9180).

Base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: the vault's own suite. The text is
padded, since its length alone would tell one address from a network.
"""

from __future__ import annotations

import base64
import binascii
import struct
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from pipeline.audit.keyfiles import read_private, read_text, write_new
from pipeline.errors import IntegrityError, SettingsError

PAD: Final = 256
"""A sealed text measures a multiple of this, its length of 4 bytes included."""

_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_INFO: Final = b"partywall audit sealed 1\0"
_LENGTH: Final = struct.Struct(">I")
_KEY_BYTES: Final = 32
_PRIVATE: Final = "partywall-auditor-private "
_PUBLIC: Final = "partywall-auditor-public "


def seal(public: bytes, text: bytes) -> bytes:
    """Return ``text`` sealed to the auditors' public key (32 bytes)."""
    plain = _LENGTH.pack(len(text)) + text
    plain += bytes(-len(plain) % PAD)
    return _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(public), info=_INFO)


def open_sealed(private: bytes, sealed: bytes) -> bytes:
    """Return what was sealed; raises IntegrityError for another key and for any other byte."""
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        plain = _SUITE.decrypt(sealed, key, info=_INFO)
        (length,) = _LENGTH.unpack_from(plain)
    except (InvalidTag, ValueError, struct.error) as error:
        raise IntegrityError("the sealed part does not open: wrong key, or damaged") from error
    text = plain[_LENGTH.size : _LENGTH.size + length]
    if len(text) != length or any(plain[_LENGTH.size + length :]):
        raise IntegrityError("the sealed part does not hold what was sealed")
    return text


def make_auditor(private: Path, public: Path) -> bytes:
    """Make the auditors' key pair, the private half in a file of mode 0600; return the public one.

    Neither is written over an older file. Raises SettingsError.
    """
    key = X25519PrivateKey.generate()
    half = key.public_key().public_bytes_raw()
    write_new("auditors' key", private, _line(_PRIVATE, key.private_bytes_raw()), mode=0o600)
    write_new("auditors' public key", public, _line(_PUBLIC, half), mode=0o644)
    return half


def read_auditor(path: Path) -> bytes:
    """Return the private key in ``path``; raises SettingsError also where others may read it."""
    try:
        return _parse(_PRIVATE, read_private("auditors' private key", path))
    except SettingsError as error:
        raise SettingsError(f"auditors' key {path}: {error}") from error


def read_auditor_public(path: Path) -> bytes:
    """Return the public key in ``path``; raises SettingsError."""
    try:
        return _parse(_PUBLIC, read_text("auditors' public key", path))
    except SettingsError as error:
        raise SettingsError(f"auditors' public key {path}: {error}") from error


def _line(form: str, key: bytes) -> str:
    return f"{form}{base64.b64encode(key).decode()}\n"


def _parse(form: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(form).strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(form) or len(key) != _KEY_BYTES:
        raise SettingsError(f"is no {form.strip()} key")
    return key
