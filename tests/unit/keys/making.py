"""A key store with a clock that the test moves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipeline import policy
from pipeline.keys.rules import Rules
from pipeline.keys.store import Store

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
TODAY = 20_522  # days from 1970-01-01 to NOON
RULES = Rules.of(policy.load())


class Hands:
    """A clock whose hands the test turns."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


def store_in(folder: Path, clock: Hands) -> Store:
    return Store(folder / "keys.sqlite", folder / "kek", RULES, clock)


def bytes_at_rest(folder: Path) -> bytes:
    """Everything in the folder's files, the write-ahead log included."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
