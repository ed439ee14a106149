"""The key-encryption key: one key that opens the store, kept apart from its backups.

It wraps one key, the store's own, and so may lie where it never leaves: in a key management system.

=============  =========================================================================
kind           where it is
=============  =========================================================================
``file``       a file of ours with mode 0600, made at the first start
``mounted``    a file that somebody mounts, never made here: they say who may read it
``variable``   a file whose path an environment variable holds, else as ``mounted``
``aws-kms``    a key of AWS KMS (:mod:`pipeline.keys.kms`)
=============  =========================================================================
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives import keywrap

from pipeline.errors import SettingsError

KEK_BYTES: Final = 32


class Kek(Protocol):
    """What the store needs of a key-encryption key."""

    def wrap(self, key: bytes, *, first: bool) -> bytes:
        """Return ``key`` wrapped; ``first`` is set where no store was made with this one yet."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return what was wrapped; raises SettingsError where another key wrapped it."""


class FileKek:
    """A key-encryption key in a file, read when it is used and not kept."""

    def __init__(self, path: Path, *, ours: bool = True) -> None:
        """``ours``: the file is made where it is missing, and nobody else may read it."""
        self._path = path
        self._ours = ours

    def __repr__(self) -> str:
        return f"FileKek({str(self._path)!r})"

    def wrap(self, key: bytes, *, first: bool) -> bytes:
        """Return ``key`` wrapped (RFC 3394); raises SettingsError as :func:`read` does."""
        if first and self._ours and not self._path.exists():
            make(self._path)
        return keywrap.aes_key_wrap(self.key(), key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return what was wrapped; raises SettingsError where another key wrapped it."""
        try:
            return keywrap.aes_key_unwrap(self.key(), wrapped)
        except (keywrap.InvalidUnwrap, ValueError):
            raise SettingsError(
                f"key-encryption key {self._path}: not the one this store was made with; "
                "put that one back"
            ) from None

    def key(self) -> bytes:
        """Return the key itself; raises SettingsError as :func:`read` does."""
        return read(self._path)


def named_by(variable: str, environment: Mapping[str, str] = os.environ) -> FileKek:
    """Return the key in the file that an environment variable names; raises SettingsError."""
    path = environment.get(variable)
    if not path:
        raise SettingsError(f"key-encryption key: set {variable} to the path of its file")
    return FileKek(Path(path), ours=False)


def read(path: Path) -> bytes:
    """Return the key in ``path``; raises SettingsError where it is missing or cannot be one.

    A file of our own that others may read is refused. A mounted one is another's, and whoever
    mounts it says who sees it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise SettingsError(
            f"key-encryption key {path}: cannot be read ({error.strerror}); put the file back, "
            "no key in the store opens without it"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        key = file.read(KEK_BYTES + 1)
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
        raise SettingsError(f"key-encryption key {path}: others may read it; run chmod 600 on it")
    if len(key) != KEK_BYTES:
        raise SettingsError(f"key-encryption key {path}: must hold exactly {KEK_BYTES} bytes")
    if is_repeated(key):
        raise SettingsError(
            f"key-encryption key {path}: a repeated pattern is no key; use a random one"
        )
    return key


def make(path: Path) -> bytes:
    """Write a random key to ``path`` with mode 0600 and return it; raises SettingsError."""
    key = os.urandom(KEK_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
        parent = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as error:
        raise SettingsError(
            f"key-encryption key {path}: cannot be written ({error.strerror})"
        ) from error
    return key


def is_repeated(key: bytes) -> bool:
    """Tell whether a key is a shorter pattern over and over, such as zeros or one letter."""
    return any(
        key == key[:n] * (len(key) // n) for n in range(1, len(key) // 2 + 1) if len(key) % n == 0
    )
