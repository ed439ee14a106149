"""What people write into a case is sealed at rest: a key per case, gone when the case is purged.

A text is AES-256-GCM under the case's key, a random 96-bit nonce in front, with the case and the
column as additional data, so that no text passes for another's. The case's key is wrapped (AES key
wrap, RFC 3394) under the desk's own key-encryption key.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.errors import IntegrityError

_NONCE_BYTES: Final = 12
_DAMAGED: Final = "a text in the case store is damaged, or not in its place"


class Texts:
    """Seals and opens the texts of one case."""

    __slots__ = ("_case", "_cipher")

    def __init__(self, kek: bytes, case: str, wrapped: bytes) -> None:
        """Unwrap the case's key; raises IntegrityError where it is damaged or another's."""
        try:
            self._cipher = AESGCM(keywrap.aes_key_unwrap(kek, wrapped))
        except (keywrap.InvalidUnwrap, ValueError) as error:
            raise IntegrityError("a case's key is damaged, or the key that wraps it") from error
        self._case = case

    @staticmethod
    def new_key(kek: bytes) -> bytes:
        """Return a fresh case key, wrapped."""
        return keywrap.aes_key_wrap(kek, os.urandom(32))

    def seal(self, place: str, text: bytes) -> bytes:
        """Return ``text`` sealed for a column of this case."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, self._bound(place))

    def open(self, place: str, sealed: bytes) -> bytes:
        """Return what was sealed there; raises IntegrityError."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, self._bound(place))
        except (InvalidTag, ValueError) as error:
            raise IntegrityError(_DAMAGED) from error

    def _bound(self, place: str) -> bytes:
        return f"partywall case {self._case} {place}".encode()
