"""The key-encryption key: one file that opens the store, kept apart from its backups."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from pipeline.errors import SettingsError

KEK_BYTES: Final = 32


def read(path: Path) -> bytes:
    """Return the key in ``path``; raises SettingsError where it is missing or cannot be one."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise SettingsError(
            f"key-encryption key {path}: cannot be read ({error.strerror}); put the file back, "
            "no key in the store opens without it"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        key = file.read(KEK_BYTES + 1)
    if mode & 0o077:
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
