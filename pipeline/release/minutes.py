"""The minutes of live traffic on one clock: who came, and which of them are told.

What is told of an hour follows from the rows of its passed minutes alone (``steps``), so nothing
that was told has to be kept: it is worked out again.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.release.rules import Rules
from pipeline.release.step_times import times
from pipeline.release.steps import ROWS, SEEN, steps
from pipeline.rows import HOUR, LIVE_TABLE, LIVE_TIMES, MINUTE, TABLES

_CATEGORY: Final = ["site", "hour", "segment", "status_class"]


class Minutes:
    """State of the sites of one cells partition that are on one clock."""

    def __init__(self, k: int, rules: Rules | None = None) -> None:
        """Start with nothing."""
        self._k = k
        self._rules = rules
        self.passed: int | None = None
        """Start of the first minute that has not passed everywhere; None where nothing is known."""
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

    def tell(self, passed: int) -> dict[str, pl.DataFrame]:
        """Go on to a minute; return what to tell by table, each with ``revision``.

        A clock that goes back does not bring minutes back that have passed.
        """
        if self.passed is not None and passed <= self.passed:
            return {}
        self.passed = passed
        found = self._tell(passed)
        self._forget(passed)
        return found

    @property
    def needed(self) -> list[int]:
        """Positions of the messages whose rows are still needed, oldest first."""
        return list(self._inputs)

    def take(self, position: int, rows: pl.DataFrame) -> None:
        """Take rows that are new, which the message at ``position`` brought."""
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

    def _tell(self, passed: int) -> dict[str, pl.DataFrame]:
        """Return the steps that were not told yet, and how long their answers took."""
        self._gather()
        rows = self._rows.filter(pl.col("minute") < passed)
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

    def _forget(self, passed: int) -> None:
        """Drop the hours of which every minute has passed: no more is told of them."""
        if passed // HOUR * HOUR == self._open_from:
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
