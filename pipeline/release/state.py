"""What a ledger remembers: the rows of each day not yet expired, and how they were published."""

from __future__ import annotations

from collections.abc import Container, Iterable
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
    """One day of all sites: rows by hour; ``fresh`` are hours with rows not tried yet."""

    chunks: dict[int, list[pl.DataFrame]] = field(default_factory=dict, repr=False)
    fresh: set[int] = field(default_factory=set)
    closed: bool = False


class State:
    """Rows by day: the columns of rows.CELLS with texts as codes, and the marks."""

    def __init__(self) -> None:
        self.days: dict[int, Day] = {}
        self.codes = Codes()

    def take(self, rows: pl.DataFrame) -> None:
        """Add rows of days that are still held, or new."""
        coded = self.codes.recoded(rows).with_columns(
            self.codes.encode(pl.col(_TEXTS)),
            *(pl.lit(0, dtype=kind).alias(name) for name, kind in _MARKS.items()),
        )
        parts = coded.partition_by("hour", as_dict=True, maintain_order=True)
        for (hour,), part in parts.items():
            day = self.days.setdefault(hour // DAY * DAY, Day())
            day.chunks.setdefault(hour, []).append(part)
            day.fresh.add(hour)

    def gather(self, starts: Iterable[int], hours: Container[int] | None = None) -> pl.DataFrame:
        """Return the rows of some days, or of some of their hours, with their place as ``at``."""
        chunks = [
            chunk
            for start in sorted(starts)
            for hour, held in sorted(self.days[start].chunks.items())
            if hours is None or hour in hours
            for chunk in held
        ]
        return pl.concat(chunks).with_row_index("at")

    def write(self, rows: pl.DataFrame) -> None:
        """Put back what ``gather`` returned, in its order, with new marks."""
        rows = rows.drop("at")
        first = 0
        for count, hour in rows.select(pl.col("hour").rle().struct.unnest()).iter_rows():
            self.days[hour // DAY * DAY].chunks[hour] = [rows.slice(first, count)]
            first += count

    def drop(self, starts: Iterable[int]) -> None:
        """Forget days, and every text that only they used."""
        for start in starts:
            del self.days[start]
        fresh = Codes()
        if self.days:
            rows = self.gather(self.days)
            texts = fresh.recoded(rows.select(pl.col(_TEXTS).cat.to(self.codes.dtype)))
            self.write(rows.with_columns(texts.select(fresh.encode(pl.all()))))
        self.codes = fresh


def day_start() -> pl.Expr:
    """Return the start of each row's day."""
    return pl.col("hour") // DAY * DAY


def window_key(start: pl.Expr) -> pl.Expr:
    """Return site and window start in one UInt64 key."""
    return pl.col("site").cast(pl.UInt64) * (1 << 32) + (start // HOUR).cast(pl.UInt64)
