"""The minutes of live traffic at one cells partition: how far they have passed, on each clock."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.errors import IntegrityError
from pipeline.labels import LIVE
from pipeline.release.homes import Homes
from pipeline.release.minutes import Minutes
from pipeline.release.taken import Taken
from pipeline.rows import CellsHeader
from pipeline.zones import UTC, reading


class LiveMinutes:
    """State of one cells partition. ``origins`` is the number of events partitions."""

    def __init__(self, k: int, origins: int, homes: Homes) -> None:
        """Start with nothing; ``homes`` are those of the live ingest."""
        self._k = k
        self._origins = origins
        self._taken = Taken()
        self._marks: dict[int, int] = {}
        self._clocks: dict[str, Minutes] = {}
        self._homes = homes

    def __repr__(self) -> str:
        return f"LiveMinutes(clocks={len(self._clocks)})"

    def new(self, header: CellsHeader, height: int) -> int | None:
        """Take note of a message; return how many of its rows were had before, None for all."""
        if header.ingest != LIVE:
            raise IntegrityError("minutes of an ingest that is not live")
        return self._taken.new(header, height)

    def apply(
        self, position: int, header: CellsHeader, rows: pl.DataFrame
    ) -> list[tuple[str, pl.DataFrame]]:
        """Take rows that are new; return what to tell: table and rows, each with ``revision``."""
        self._clock(header.zone).take(position, self._at_home(rows, header.zone))
        before = self._passed
        if header.watermark is not None:
            self._marks[header.origin] = header.watermark
        now = self._passed
        if now is None or now == before:
            return []
        told = [of.tell(reading(now, zone)) for zone, of in sorted(self._clocks.items())]
        return [pair for one in told for pair in one.items()]

    @property
    def _passed(self) -> int | None:
        """Start of the first minute that has not passed everywhere; None where nothing is known."""
        return min(self._marks.values()) if len(self._marks) == self._origins else None

    @property
    def needed(self) -> list[int]:
        """Positions of the messages whose rows are still needed, oldest first."""
        return sorted({at for minutes in self._clocks.values() for at in minutes.needed})

    def _at_home(self, rows: pl.DataFrame, zone: str) -> pl.DataFrame:
        """Leave out minutes of days that a site began by another clock: their hours tell them."""
        hours = rows.rename({"minute": "hour"})
        return self._homes.parted(hours, zone).get(zone, hours.clear()).rename({"hour": "minute"})

    def _clock(self, zone: str) -> Minutes:
        if zone not in self._clocks:
            self._clocks[zone] = Minutes(self._k)
        return self._clocks[zone]

    def snapshot(self) -> dict[str, object]:
        """Return what ``restore`` needs besides the messages."""
        return {
            "applied": self._taken.saved(),
            "marks": {str(origin): mark for origin, mark in self._marks.items()},
            "passed": {zone: minutes.passed for zone, minutes in self._clocks.items()},
        }

    def restore(self, saved: dict[str, Any], kept: list[tuple[int, str, pl.DataFrame]]) -> None:
        """Build the state up: what was saved, and position, zone and rows of the messages kept.

        The homes have been restored before.
        """
        self._taken.restore(saved["applied"])
        self._marks = {int(origin): mark for origin, mark in saved["marks"].items()}
        # Before there were zones, all clocks were on UTC.
        passed = saved.get("passed", {UTC: self._passed})
        for position, zone, rows in kept:
            self._clock(zone).take(position, self._at_home(rows, zone))
        for zone, moment in passed.items():
            if moment is not None:
                self._clock(zone).tell(moment)
