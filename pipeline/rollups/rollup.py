"""The rollup of one events partition: exact, order-driven, without a clock.

Everything here follows from the messages in the order of their offsets, so a worker that reads
them again does and says the same again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline import events, rows
from pipeline.clock import EVER
from pipeline.codes import Codes
from pipeline.events import DIMENSIONS, SEGMENT, VIEW
from pipeline.labels import LIVE
from pipeline.purposes import Refusals
from pipeline.rollups import minutes
from pipeline.rollups.clocks import ZONE, on_clocks, onward, over
from pipeline.rollups.minutes import OPEN_MINUTES
from pipeline.rollups.runs import OPEN, Progress, decode_run, encode_run
from pipeline.rollups.window import Marks, hour, minute, topic_of
from pipeline.zones import UTC

NOWHERE: Final = -1


@dataclass(frozen=True, slots=True)
class Cut:
    """Cells of hours that closed, or rows of minutes that have passed (MINUTES).

    One message per part, zone and cells partition follows from it; ``cells`` have ZONE before
    their own columns. Of minutes, ``watermark`` is the start of the first one that has not passed.
    """

    position: int
    ingest: str
    watermark: int
    cells: pl.DataFrame

    @property
    def end(self) -> bool:
        """Whether the ingest has ended."""
        return self.watermark >= EVER


class Rollup:
    """State of one events partition."""

    def __init__(self, sources: tuple[str, ...], lateness: int, refusals: Refusals) -> None:
        """``sources`` are all partitions of the raw topics; ``lateness`` is in seconds."""
        self._sources = sources
        self._lateness = lateness
        self._refusals = refusals
        self.progress = Progress()
        self._codes = Codes()
        self.open = self._coded(pl.DataFrame(schema=OPEN))
        self.minutes = self._coded(pl.DataFrame(schema=OPEN_MINUTES))

    def __repr__(self) -> str:
        return f"Rollup(open_rows={self.open.height})"

    def apply(self, position: int, message: bytes) -> tuple[bytes, Cut | None, Cut | None]:
        """Take the events message at ``position``.

        Return its run, the cut of hours that it caused and that of minutes, if any.
        """
        header, batch = events.decode(message, coded=True)
        ingest = header.ingest
        applied = self.progress.applied.setdefault(ingest, {})
        fresh = batch.filter(pl.col("offset") > applied.get(header.source, NOWHERE))
        applied[header.source] = max(header.last_offset, applied.get(header.source, NOWHERE))
        marks = self.progress.marks.setdefault(ingest, Marks())
        marks.advance(header.source, header.watermark, end=header.end)
        marks.announce(header.topics)
        self._learn(header.zones.values())
        allowed = on_clocks(self._refusals.apply(self._coded(fresh)), header.zones)
        cells = self._cells(allowed).select(
            pl.lit(position, pl.Int64).alias("position"),
            pl.lit(ingest, self._codes.dtype).alias("ingest"),
            ZONE,
            *rows.CELLS,
        )
        self.open = pl.concat([self.open, cells])
        came = self.minutes.clear()
        if ingest == LIVE:
            came = minutes.taken(position, allowed, self.progress.passed)
            self.minutes = pl.concat([self.minutes, came])
        watermark = marks.combined(self._expected(ingest))
        passed = self._pass(position, watermark) if ingest == LIVE else None
        cut = self._cut(position, ingest, watermark)
        return encode_run(self.progress, cells, came), cut, passed

    def _learn(self, zones: Iterable[str]) -> None:
        """Take note of zones; on a new clock the minutes have passed that have on the others."""
        progress = self.progress
        if set(zones) <= set(progress.zones):
            return
        progress.zones = sorted({*progress.zones, *zones})
        if progress.passed:
            moment = progress.passed[UTC]
            progress.passed = onward(progress.passed, progress.zones, moment, minute)

    def _coded(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return rows with texts in the state's own code, in which they are grouped and kept."""
        return self._codes.recoded(batch)

    def _forget(self) -> None:
        """Forget the texts that no open row has."""
        self._codes = Codes()
        self.open = self._coded(self.open)
        self.minutes = self._coded(self.minutes)

    @staticmethod
    def _cells(batch: pl.DataFrame) -> pl.DataFrame:
        return batch.group_by(
            ZONE,
            "site",
            (pl.col("time") // rows.HOUR * rows.HOUR).alias("hour"),
            SEGMENT,
            "visitor",
            # Of views alone, since a second for each of the rest would make a row for each.
            pl.when(pl.col(SEGMENT) == VIEW)
            .then(pl.col("time") % rows.HOUR)
            .otherwise(0)
            .cast(pl.UInt16)
            .alias("second"),
            *DIMENSIONS,
            # A worker that does it again must say it in the same order (CellsHeader.first).
            maintain_order=True,
        ).agg(pl.len().cast(pl.UInt64).alias("hits"), pl.col("bytes").sum())

    def _pass(self, position: int, watermark: int | None) -> Cut | None:
        """Cut the minutes that have passed since the last time: none, one, or all of days."""
        if watermark is None:
            return None
        before = self.progress.passed
        now = onward(before, self.progress.zones, watermark, minute)
        if before and now[UTC] <= before[UTC]:
            return None
        gone = over(now, "minute")
        told = minutes.told(self.minutes.filter(gone))
        self.minutes = self.minutes.filter(~gone)
        self.progress.passed = now
        return Cut(position, LIVE, now[UTC], told)

    def _cut(self, position: int, ingest: str, watermark: int | None) -> Cut | None:
        if watermark is None:
            return None
        _, before = self.progress.cut.get(ingest, (NOWHERE, {}))
        late = self._lateness
        now = onward(before, self.progress.zones, watermark, lambda shown: hour(shown - late))
        # Rows wait for the next hour to close; after the end there is none to wait for.
        if now == before and watermark < EVER:
            return None
        closed = (pl.col("ingest") == ingest) & over(now, "hour")
        cells = self.open.filter(closed).select(ZONE, *rows.CELLS)
        if now == before and cells.is_empty():
            return None
        self.open = self.open.filter(~closed)
        self._forget()
        self.progress.cut[ingest] = (position, now)
        return Cut(position, ingest, watermark, cells)

    def _expected(self, ingest: str) -> tuple[str, ...]:
        """Return the sources that must have spoken before a window of the ingest may close.

        For live traffic all of them: split speaks for one that is silent. A backfill has nobody to
        speak for it, and need not come on every topic: those count on which it was heard of, and
        those which it said, before its first line on a partition, that it comes on.
        """
        if ingest == LIVE:
            return self._sources
        topics = {topic_of(source) for source in self.progress.applied[ingest]}
        topics.update(self.progress.marks[ingest].topics)
        return tuple(source for source in self._sources if topic_of(source) in topics)

    def restore(self, runs: list[tuple[int, bytes]]) -> None:
        """Build the state up from runs, each with the position up to which others speak."""
        cells, came = [self.open.clear()], [self.minutes.clear()]
        for after, value in runs:
            self.progress, *both = decode_run(value, coded=True)
            for frames, found in zip((cells, came), both, strict=True):
                frames.append(self._coded(found).filter(pl.col("position") > after))
        self.open = pending(pl.concat(cells), self.progress)
        self.minutes = minutes.pending(pl.concat(came), self.progress.passed)


def pending(cells: pl.DataFrame, progress: Progress) -> pl.DataFrame:
    """Return the rows no cut has sent yet: those that came after it, or whose hour was open."""
    for ingest, (position, reached) in progress.cut.items():
        cells = cells.filter(
            (pl.col("ingest") != ingest) | (pl.col("position") > position) | ~over(reached, "hour")
        )
    return cells
