"""The minutes of live traffic at one cells partition: who came, how far they have passed.

A minute has passed when all origins say so. What is told of an hour follows from the rows of its
passed minutes alone (``steps``), so nothing that was told has to be kept: it is worked out again.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from pipeline.codes import Codes
from pipeline.errors import IntegrityError
from pipeline.labels import LIVE
from pipeline.release.rules import Rules
from pipeline.release.step_times import times
from pipeline.release.steps import ROWS, SEEN, steps
from pipeline.release.taken import Taken
from pipeline.rows import HOUR, LIVE_TABLE, LIVE_TIMES, MINUTE, TABLES, CellsHeader

_CATEGORY: Final = ["site", "hour", "segment", "status_class"]


class Minutes:
    """State of one cells partition. ``origins`` is the number of events partitions."""

    def __init__(self, k: int, origins: int, rules: Rules | None = None) -> None:
        """Start with nothing."""
        self._k = k
        self._rules = rules
        self._origins = origins
        self._taken = Taken()
        self._marks: dict[int, int] = {}
        self._inputs: dict[int, int] = {}
        """Position of a message that is still needed → its newest minute."""
        self._codes = Codes()
        self._categories = self._none()
        self._came: list[pl.DataFrame] = []
        """Rows, texts coded, that are not yet among ``_rows``."""
        self._rows = pl.DataFrame(schema=ROWS)
        """Rows that are in no step that was told; who was in one is among ``_seen``."""
        self._seen = pl.DataFrame(schema=SEEN)
        self._open_from = 0
        self._told: dict[int, int] = {}
        """Category → where the newest of its steps that were told ends."""

    def __repr__(self) -> str:
        return f"Minutes(rows={self._rows.height})"

    def new(self, header: CellsHeader, height: int) -> int | None:
        """Take note of a message; return how many of its rows were had before, None for all."""
        if header.ingest != LIVE:
            raise IntegrityError("minutes of an ingest that is not live")
        return self._taken.new(header, height)

    def apply(
        self, position: int, header: CellsHeader, rows: pl.DataFrame
    ) -> dict[str, pl.DataFrame]:
        """Take rows that are new; return what to tell by table, each with ``revision``."""
        self._take(position, rows)
        before = self.passed
        if header.watermark is not None:
            self._marks[header.origin] = header.watermark
        if self.passed == before:
            return {}
        found = self._tell()
        self._forget()
        return found

    @property
    def passed(self) -> int | None:
        """Start of the first minute that has not passed everywhere; None where nothing is known."""
        return min(self._marks.values()) if len(self._marks) == self._origins else None

    @property
    def needed(self) -> list[int]:
        """Positions of the messages whose rows are still needed, oldest first."""
        return list(self._inputs)

    def _take(self, position: int, rows: pl.DataFrame) -> None:
        if not rows.is_empty():
            texts = pl.col("site", "segment", "status_class")
            self._came.append(rows.with_columns(texts.cast(self._codes.dtype)))
            newest = rows["minute"].max()
            if isinstance(newest, int):
                self._inputs[position] = newest

    def _gather(self) -> None:
        """Put what came among the rows, under the category that it is of."""
        if not self._came:
            return
        came = pl.concat(self._came).with_columns(hour=pl.col("minute") // HOUR * HOUR)
        self._came = []
        known = self._categories
        fresh = came.lazy().join(known.lazy(), on=_CATEGORY, how="anti").select(_CATEGORY).unique()
        last = known["category"].max()
        begin = last + 1 if isinstance(last, int) else 0
        numbered = fresh.with_row_index("category", begin).select(known.columns).collect()
        self._categories = pl.concat([known, numbered])
        taken = came.lazy().join(self._categories.lazy(), on=_CATEGORY).select(*ROWS).collect()
        self._rows = pl.concat([self._rows, taken])

    def _tell(self) -> dict[str, pl.DataFrame]:
        """Return the steps that were not told yet, and how long their answers took."""
        self._gather()
        rows = self._rows.filter(pl.col("minute") < self.passed)
        found = steps(rows, self._k, self._rules, told=self._told, seen=self._seen)
        if found.is_empty():
            return {}
        ranges = times(rows, self._seen, found, self._k, self._rules)
        self._settle(found)
        told = {LIVE_TABLE: self._named(LIVE_TABLE, found)}
        return told if ranges.is_empty() else told | {LIVE_TIMES: self._named(LIVE_TIMES, ranges)}

    def _named(self, table: str, found: pl.DataFrame) -> pl.DataFrame:
        """Return rows of a table, with what their categories are."""
        what = [name for name, kind in TABLES[table].items() if kind == pl.String]
        return (
            found.lazy()
            .join(self._categories.lazy(), on="category")
            .with_columns(pl.col(pl.Categorical).cast(pl.String), revision=pl.lit(1, pl.UInt64))
            .select(*TABLES[table], "revision")
            .sort("site", "window_start", *what)
            .collect()
        )

    def _settle(self, found: pl.DataFrame) -> None:
        """Keep of the rows of steps that are told who is in them, and no more."""
        ends = pl.col("window_start") + pl.col("minutes").cast(pl.Int64) * MINUTE
        newest = found.lazy().group_by("category").agg(ends.max().alias("end"))
        self._told |= dict(newest.collect().iter_rows())
        rows = self._rows.lazy().join(newest, on="category", how="left")
        gone = (pl.col("minute") < pl.col("end")).fill_null(value=False)
        left, seen = pl.collect_all(
            [
                rows.filter(~gone).select(*ROWS),
                pl.concat([self._seen.lazy(), rows.filter(gone).select(*SEEN)]).unique(),
            ]
        )
        self._rows, self._seen = left, seen

    def _forget(self) -> None:
        """Drop the hours of which every minute has passed: no more is told of them."""
        passed = self.passed
        if passed is None or passed // HOUR * HOUR == self._open_from:
            return
        self._open_from = passed // HOUR * HOUR
        open_from = self._open_from
        self._inputs = {at: newest for at, newest in self._inputs.items() if newest >= open_from}
        self._rows = self._rows.filter(pl.col("minute") >= open_from)
        self._codes = Codes()
        left = self._categories.filter(pl.col("hour") >= open_from)
        self._categories = left.with_columns(pl.col(pl.Categorical).cast(self._codes.dtype))
        known = set(left["category"])
        self._told = {category: end for category, end in self._told.items() if category in known}
        self._seen = self._seen.join(left, on="category", how="semi")

    def _none(self) -> pl.DataFrame:
        text = self._codes.dtype
        kinds = {"site": text, "hour": pl.Int64(), "segment": text, "status_class": text}
        return pl.DataFrame(schema={**kinds, "category": pl.UInt32()})

    def snapshot(self) -> dict[str, object]:
        """Return what ``restore`` needs besides the messages."""
        return {
            "applied": self._taken.saved(),
            "marks": {str(origin): mark for origin, mark in self._marks.items()},
        }

    def restore(self, saved: dict[str, Any], kept: list[tuple[int, pl.DataFrame]]) -> None:
        """Build the state up: what was saved, and the rows of the messages that were kept."""
        self._taken.restore(saved["applied"])
        self._marks = {int(origin): mark for origin, mark in saved["marks"].items()}
        for position, rows in kept:
            self._take(position, rows)
        if self.passed is not None:
            self._tell()
        self._forget()
