"""Where a running embedded group can be reached: one small file in its data folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

from pipeline.errors import UsageError

DEFAULT: Final = Path("data")
_NAME: Final = "running.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Addresses of a running group, and the process that owns it."""

    bootstrap: str
    engine: str
    pid: int

    def write(self, folder: Path) -> None:
        """Leave the addresses where other commands find them."""
        descriptor = os.open(folder / _NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(asdict(self)))

    @staticmethod
    def forget(folder: Path) -> None:
        """Take the file away at the end."""
        (folder / _NAME).unlink(missing_ok=True)

    @staticmethod
    def find(folder: Path) -> Place | None:
        """Return the running group of a folder, None where none runs."""
        try:
            place = Place(**orjson.loads((folder / _NAME).read_bytes()))
            os.kill(place.pid, 0)
        except (OSError, orjson.JSONDecodeError, TypeError):
            return None
        return place


@contextlib.contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Keep other processes of ours out of a data folder, and make it; raises UsageError.

    Two groups in one folder would take each other's key service and engine away.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UsageError(
            f"data folder {folder}: {error.strerror}; choose one with --data"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"a group runs in {folder} already: stop it, or choose another --data"
            ) from None
        yield
    finally:
        os.close(descriptor)


def running(folder: Path) -> Place:
    """Return the running group of a folder; raises UsageError where none runs."""
    place = Place.find(folder)
    if place is None:
        raise UsageError(f"nothing runs in {folder}: start it with `partywall up --data {folder}`")
    return place
