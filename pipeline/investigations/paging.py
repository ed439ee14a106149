"""Pages of records: cut out of the hours that a search goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.investigations.records import RECORDS
from pipeline.investigations.segments import Effort

MOST_SHOWN: Final = 1_000
"""Records on a page."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: in which hour, and how many of its records were on pages before.

    ``hour`` is in seconds since 1970 UTC, None for lines without a time.
    """

    hour: int | None
    past: int


@dataclass(frozen=True, slots=True)
class Page:
    """Records that a case shows, in the order of time.

    ``records`` has the columns of ``showing.shown``; ``next`` is where the following page begins,
    None at the end; ``read`` of ``most`` records have been read in this case; ``gone`` are there
    and can no longer be opened, their day's key being destroyed.
    """

    records: pl.DataFrame = field(repr=False)
    next: Place | None
    read: int
    most: int
    gone: int
    effort: Effort


class Gathered:
    """Gathers a page of ``size`` records, beginning past those of pages before."""

    def __init__(self, size: int, since: Place | None) -> None:
        self._size = size
        self._since = since
        self._parts = [pl.DataFrame(schema=RECORDS)]
        self._height = 0
        self.next: Place | None = None
        self.gone = 0

    def full_after(self, hour: int | None, records: pl.DataFrame, gone: int) -> bool:
        """Take records of an hour; tell whether the page is full."""
        past = 0
        if self._since is not None and hour == self._since.hour:
            past = self._since.past
        room = self._size - self._height
        self._parts.append(records[past : past + room])
        self._height += self._parts[-1].height
        if past == 0:
            self.gone += gone
        if records.height > past + room:
            self.next = Place(hour, past + room)
            return True
        return False

    def records(self) -> pl.DataFrame:
        """Return what was gathered."""
        return pl.concat(self._parts)
