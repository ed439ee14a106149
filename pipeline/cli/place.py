"""Where a running embedded group can be reached: one small file in its data folder."""

from __future__ import annotations

import os
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
        (folder / _NAME).write_bytes(orjson.dumps(asdict(self)))

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


def running(folder: Path) -> Place:
    """Return the running group of a folder; raises UsageError where none runs."""
    place = Place.find(folder)
    if place is None:
        raise UsageError(f"nothing runs in {folder}: start it with `partywall up --data {folder}`")
    return place
