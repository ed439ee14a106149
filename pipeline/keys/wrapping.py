"""The store's own key: wraps each secret there, and is wrapped by the key-encryption key."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, inspect, select, text

from pipeline.database import Database
from pipeline.errors import IntegrityError, SettingsError
from pipeline.keys.kek import FileKek, Kek
from pipeline.keys.material import KEY_BYTES
from pipeline.keys.tables import store_key

_TEXTS: Final = b"partywall key store texts"
_NONCE_BYTES: Final = 12
_OLD_CHECK: Final = b"partywall-kek-check-1234"


class Wrapping:
    """Wraps and unwraps secrets of the store (AES key wrap, RFC 3394)."""

    def __init__(self, database: Database, kek: Kek) -> None:
        """Open the store's key, or make it at the first start; raises SettingsError."""
        with database.writing() as connection:
            wrapped = connection.execute(select(store_key.c.wrapped)).scalar_one_or_none()
            if wrapped is None:
                self._key = _of_old_store(connection, kek) or os.urandom(KEY_BYTES)
                connection.execute(
                    store_key.insert().values(number=1, wrapped=kek.wrap(self._key, first=True))
                )
            else:
                self._key = kek.unwrap(wrapped)

    def __repr__(self) -> str:
        return "Wrapping()"

    def wrap(self, secret: bytes) -> bytes:
        """Return ``secret`` (a multiple of 8 bytes) wrapped."""
        return keywrap.aes_key_wrap(self._key, secret)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the secret; raises IntegrityError where it is damaged."""
        try:
            return keywrap.aes_key_unwrap(self._key, wrapped)
        except (keywrap.InvalidUnwrap, ValueError) as error:
            raise IntegrityError("a key in the key store is damaged") from error

    def seal(self, place: str, text: bytes) -> bytes:
        """Return ``text`` sealed for a place: AES-256-GCM, a random nonce in front.

        Under a key of its own, drawn from the store's by HKDF (RFC 5869), since that one wraps.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, text, place.encode())

    def open(self, place: str, sealed: bytes) -> bytes:
        """Return what was sealed there; raises IntegrityError."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, rest, place.encode())
        except (InvalidTag, ValueError) as error:
            raise IntegrityError("a scope in the key store is damaged") from error

    def _cipher(self) -> AESGCM:
        derive = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_TEXTS)
        return AESGCM(derive.derive(self._key))


def _of_old_store(connection: Connection, kek: Kek) -> bytes | None:
    """Return the key of a store of version 0.1.0, whose rows the file's key wraps itself."""
    if not inspect(connection).has_table("kek"):
        return None
    check = connection.execute(text("SELECT wrapped_check FROM kek")).scalar_one_or_none()
    if check is None:
        return None
    if not isinstance(kek, FileKek):
        raise SettingsError("key store: made with a key-encryption key in a file; name that first")
    key = kek.key()
    if keywrap.aes_key_wrap(key, _OLD_CHECK) != check:
        raise SettingsError(
            "key-encryption key: not the one this store was made with; put that one back"
        )
    return key
