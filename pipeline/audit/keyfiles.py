"""Small files of keys: made once, never over another, private ones for their owner alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from pipeline.errors import SettingsError

_MOST_BYTES: Final = 4_096


def write_new(what: str, path: Path, text: str, *, mode: int) -> None:
    """Write a new file, durably; raises SettingsError where one is there, or nothing can be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # whatever the umask
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except FileExistsError:
        raise SettingsError(f"{what} {path}: is there already and is not overwritten") from None
    except OSError as error:
        raise SettingsError(f"{what} {path}: cannot be written ({error.strerror})") from error


def read_text(what: str, path: Path) -> str:
    """Return a file's text; raises SettingsError where it cannot be read."""
    return _read(what, path)[0]


def read_private(what: str, path: Path) -> str:
    """Return a private file's text; raises SettingsError also where others may read it."""
    text, mode = _read(what, path)
    if mode & 0o077:
        raise SettingsError("others may read it; run chmod 600 on it")
    return text


def _read(what: str, path: Path) -> tuple[str, int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            return file.read(_MOST_BYTES).decode("ascii"), mode
    except OSError as error:
        raise SettingsError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise SettingsError(f"is no {what}") from None
