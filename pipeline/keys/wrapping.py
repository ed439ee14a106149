"""The store's own key: wraps each secret there, and is wrapped by the key-encryption key."""

from __future__ import annotations

import os
from typing import Final

from cryptography.hazmat.primitives import keywrap
from sqlalchemy import Connection, inspect, select, text

from pipeline.database import Database
from pipeline.errors import IntegrityError, SettingsError
from pipeline.keys.kek import FileKek, Kek
from pipeline.keys.material import KEY_BYTES
from pipeline.keys.tables import store_key

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
