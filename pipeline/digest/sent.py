"""What was sent: one small file, and one process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from pipeline.digest.weeks import Week
from pipeline.errors import UsageError

_KEPT: Final = 500
"""Entries that are kept, newest last: weeks that are long past are not sent again anyway."""


class Sent:
    """Which digests went out by which way; written before anything else is done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)

    def has(self, site: str, week: Week, way: str) -> bool:
        """Tell whether a digest went out."""
        return _entry(site, week, way) in self._entries

    def add(self, site: str, week: Week, way: str) -> None:
        """Note that a digest went out; whole and durable, or not at all."""
        self._entries = [*self._entries, _entry(site, week, way)][-_KEPT:]
        new = self._path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(orjson.dumps(self._entries))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Sent]:
    """Lend what was sent from a state folder; raises UsageError where another process holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "digest.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); set state_dir") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{folder}: another process sends digests from here; stop it first"
            ) from None
        yield Sent(folder / "digest.json")
    finally:
        os.close(lock)


def _entry(site: str, week: Week, way: str) -> str:
    return f"{week}/{site}/{way}"


def _read(path: Path) -> list[str]:
    try:
        entries = orjson.loads(path.read_bytes())
        if isinstance(entries, list) and all(isinstance(entry, str) for entry in entries):
            return entries
    except FileNotFoundError:
        return []
    except (OSError, orjson.JSONDecodeError):
        pass
    raise UsageError(f"{path}: is no list of what was sent; mend it, or remove it to send anew")
