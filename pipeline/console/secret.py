"""Two small private files: the key that signs sessions and links, and the word that signs in."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from pipeline.errors import SettingsError

_BYTES: Final = 32


def read_or_make(path: Path, setting: str) -> str:
    """Return the secret in a file, which is made where there is none; raises SettingsError.

    Two processes that start at once get the same one: it is put into its place whole.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode
        found = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text of ours"
        raise SettingsError(f"setting {setting}: {path} cannot be used ({reason})") from None
    if stat.S_IMODE(mode) & 0o007:
        raise SettingsError(f"setting {setting}: all may read {path}; chmod o= it")
    if len(found) < _BYTES:
        raise SettingsError(f"setting {setting}: {path} holds no secret of {_BYTES} letters")
    return found


def _make(path: Path) -> None:
    half = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(half, path)
    finally:
        half.unlink()
