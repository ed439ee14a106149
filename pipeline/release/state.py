"""What a ledger remembers: the rows of each day not yet expired, and how they were published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import DIMENSIONS, SEGMENT
from pipeline.rows import DAY, HOUR

_TEXTS: Final = ["site", SEGMENT, *DIMENSIONS]
_MARKS: Final[dict[str, pl.DataType]] = {
    "edition": pl.UInt16(),
    "label": pl.UInt32(),
    "day_edition": pl.UInt16(),
    "day_label": pl.UInt32(),
}
"""Per row: the edition of its hour, and of its day, that first published it (0: none has), and
under which of its own values it stands there (``rules.BITS``)."""


@dataclass(slots=True)
class Day:
    """One UTC day of all sites; ``fresh`` are hours with rows that were not tried yet."""

    chunks: list[pl.DataFrame] = field(default_factory=list, repr=False)
    fresh: set[int] = field(default_factory=set)
    closed: bool = False


class State:
    """Rows by day: the columns of rows.CELLS with texts as codes, and the marks."""

    def __init__(self) -> None:
        self.days: dict[int, Day] = {}
        self.codes = Codes()

    def take(self, rows: pl.DataFrame) -> None:
        """Add rows of days that are still held, or new."""
        coded = rows.with_columns(
            self.codes.encode(pl.col(_TEXTS)),
            *(pl.lit(0, dtype=kind).alias(name) for name, kind in _MARKS.items()),
            day=day_start(),
        )
        parts = coded.partition_by("day", as_dict=True, include_key=False, maintain_order=True)
        for (start,), part in parts.items():
            day = self.days.setdefault(start, Day())
            day.chunks.append(part)
            day.fresh.update(part.get_column("hour").unique())

    def gather(self, starts: Iterable[int]) -> pl.DataFrame:
        """Return the rows of some days in one frame, with their place in it as ``at``."""
        chunks = [chunk for start in sorted(starts) for chunk in self.days[start].chunks]
        return pl.concat(chunks).with_row_index("at")

    def write(self, rows: pl.DataFrame) -> None:
        """Put back what ``gather`` returned, with new marks."""
        parts = rows.drop("at").with_columns(day=day_start())
        for (start,), part in parts.partition_by("day", as_dict=True, include_key=False).items():
            self.days[start].chunks = [part]

    def drop(self, starts: Iterable[int]) -> None:
        """Forget days, and every text that only they used."""
        for start in starts:
            del self.days[start]
        fresh = Codes()
        texts = pl.col(_TEXTS)
        for day in self.days.values():
            day.chunks = [
                chunk.with_columns(self.codes.decode(texts)).with_columns(fresh.encode(texts))
                for chunk in day.chunks
            ]
        self.codes = fresh


def day_start() -> pl.Expr:
    """Return the start of each row's day."""
    return pl.col("hour") // DAY * DAY


def window_key(start: pl.Expr) -> pl.Expr:
    """Return site and window start in one UInt64 key."""
    return pl.col("site").cast(pl.UInt64) * (1 << 32) + (start // HOUR).cast(pl.UInt64)
