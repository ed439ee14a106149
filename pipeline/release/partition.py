"""One cells partition at door 2: merges what the rollups cut, and remembers what was said.

A message is applied once, in the order of the log. Its run holds the message itself and a base:
what is settled for good, and from which run on the log must be read again to build up the rest
(``ledger.Ledger.resume``, ``minutes.Minutes.restore``). So what was published is worked out again,
never stored twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import polars as pl

from pipeline.errors import IntegrityError, SettingsError
from pipeline.labels import LIVE
from pipeline.release.crossings import Crossings
from pipeline.release.ledger import Account, Ledger, Released, Settled
from pipeline.release.minutes import Minutes
from pipeline.release.taken import Taken
from pipeline.rows import CellsHeader, RollupsHeader, decode_cells

SPENT: Final = orjson.dumps({"fed": None}) + b"\n"
"""A run in the place of some that nothing needs any more."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an ingest's ledger is opened with: k visitors, and of a place its floor; seconds."""

    k: int
    lateness: int
    hold: int
    place_floor: int = 1
    crossings: Crossings = field(default_factory=dict)
    """What is released two at a time, by segment."""

    def ledger(
        self, settled: Settled | None = None, watermark: int | None = None, covered: int = 0
    ) -> Ledger:
        """Open a ledger, or one that goes on from a base."""
        if settled is None:
            return Ledger(
                self.k,
                self.lateness,
                self.hold,
                place_floor=self.place_floor,
                crossings=self.crossings,
            )
        return Ledger.resume(
            self.k,
            self.lateness,
            self.hold,
            settled=settled,
            watermark=watermark,
            covered=covered,
            place_floor=self.place_floor,
            crossings=self.crossings,
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What one message led to: rollups to send, and accounts by (ingest, site) to state.

    Accounts are exact and hold what is withheld, so they are stated when a day has closed or
    expired or the ingest has ended, not with every cut: the differences would be hits by the hour.
    """

    rollups: list[tuple[RollupsHeader, pl.DataFrame]]
    accounts: dict[tuple[str, str], Account]


@dataclass(frozen=True, slots=True)
class _Fed:
    """What the ledger was told with an input, kept so that it is told the same again."""

    watermark: int | None
    end: bool
    skip: int = 0
    """Rows at the front of the message that another message had brought before."""


@dataclass(slots=True)
class _Ingest:
    ledger: Ledger
    marks: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    dropped_watermark: int | None = None


@dataclass(frozen=True, slots=True)
class _Input:
    """What the log must keep of a run to decide when it may go: newest day by ingest."""

    position: int
    ingest: str
    newest_day: int | None
    watermark: int | None


class Partition:
    """State of one cells partition. ``origins`` is the number of events partitions."""

    def __init__(self, terms: Terms, partition: int, origins: int) -> None:
        """Start with nothing."""
        self._terms = terms
        self._partition = partition
        self._origins = origins
        self._taken = Taken()
        self._ingests: dict[str, _Ingest] = {}
        self._inputs: list[_Input] = []
        self._minutes = Minutes(terms.k, origins)

    def __repr__(self) -> str:
        return f"Partition({self._partition}, ingests={len(self._ingests)})"

    def apply(self, position: int, message: bytes) -> tuple[bytes, Said]:
        """Take the cells message at ``position``; return its run and what it led to."""
        header, rows = decode_cells(message, coded=True)
        if header.minutes:
            return self._passed(position, message, header, rows)
        skip = self._taken.new(header, rows.height)
        if skip is None:
            return self._run(message, None), Said([], {})
        fed = self._advance(header, skip)
        released = self._feed(position, header.ingest, fed, rows[skip:])
        self._forget()
        return self._run(message, fed), self._said(header.ingest, fed, released)

    def _passed(
        self, position: int, message: bytes, header: CellsHeader, rows: pl.DataFrame
    ) -> tuple[bytes, Said]:
        """Take minutes that have passed at an origin."""
        skip = self._minutes.new(header, rows.height)
        if skip is None:
            return self._run(message, None), Said([], {})
        found = self._minutes.apply(position, header, rows[skip:])
        told = [(RollupsHeader(name, LIVE, self._partition), some) for name, some in found.items()]
        return self._run(message, _Fed(None, end=False, skip=skip)), Said(told, {})

    def _advance(self, header: CellsHeader, skip: int) -> _Fed:
        """Take note of how far an origin has come; return what the ledger may know of it."""
        state = self._ingests.get(header.ingest)
        if state is None:
            state = self._ingests[header.ingest] = _Ingest(self._terms.ledger())
        if header.watermark is not None:
            state.marks[header.origin] = header.watermark
        if header.end:
            state.ended.add(header.origin)
        known = len(state.marks) == self._origins
        return _Fed(
            min(state.marks.values()) if known else None, len(state.ended) == self._origins, skip
        )

    def _feed(self, position: int, ingest: str, fed: _Fed, rows: pl.DataFrame) -> Released:
        newest = rows["hour"].max()
        self._inputs.append(
            _Input(position, ingest, newest if isinstance(newest, int) else None, fed.watermark)
        )
        return self._ingests[ingest].ledger.apply(rows, fed.watermark, end=fed.end)

    def _said(self, ingest: str, fed: _Fed, released: Released) -> Said:
        rollups = [
            (RollupsHeader(table, ingest, self._partition), cells)
            for table, cells in released.tables.items()
            if cells.height
        ]
        if fed.end:
            table, cells = next(iter(released.tables.items()))
            last = RollupsHeader(table, ingest, self._partition, finished=True)
            rollups.append((last, cells.clear()))
        stated = released.accounts if released.turned else {}
        return Said(rollups, {(ingest, site): a for site, a in stated.items()})

    def _forget(self) -> None:
        """Drop inputs at the front of the log that no day still held needs."""
        needed = len(self._inputs)
        for at, entry in enumerate(self._inputs):
            oldest = self._ingests[entry.ingest].ledger.oldest_day
            if oldest is not None and entry.newest_day is not None and entry.newest_day >= oldest:
                needed = at
                break
        for entry in self._inputs[:needed]:
            state = self._ingests[entry.ingest]
            marks = [m for m in (entry.watermark, state.dropped_watermark) if m is not None]
            state.dropped_watermark = max(marks, default=None)
        del self._inputs[:needed]

    @property
    def keep_from(self) -> int | None:
        """The oldest position whose message is still needed, None where none is."""
        first = [entry.position for entry in self._inputs[:1]] + self._minutes.needed[:1]
        return min(first, default=None)

    @property
    def needed(self) -> set[int]:
        """The positions whose messages are still needed."""
        return {entry.position for entry in self._inputs}.union(self._minutes.needed)

    def _run(self, message: bytes, fed: _Fed | None) -> bytes:
        base = {
            "k": self._terms.k,
            "place_floor": self._terms.place_floor,
            "fed": None if fed is None else [fed.watermark, fed.end, fed.skip],
            "applied": self._taken.saved(),
            "keep_from": self.keep_from,
            "minutes": self._minutes.snapshot(),
            "ingests": {name: _snapshot(state) for name, state in self._ingests.items()},
        }
        return orjson.dumps(base) + b"\n" + message

    def restore(self, runs: list[tuple[int, bytes]]) -> None:
        """Build the state up from the runs, (position, value) oldest first; nothing is said.

        Raises SettingsError where k or the floor of places has changed while windows are open.
        """
        if not runs:
            return
        base, _ = _parse(runs[-1][1])
        if base["k"] != self._terms.k:
            raise SettingsError(
                f"k is {self._terms.k}, but open windows were filled under k {base['k']}: let them "
                "close under the old k first"
            )
        # Before there were places a run named no floor.
        floor = base.get("place_floor", self._terms.place_floor)
        if floor != self._terms.place_floor:
            raise SettingsError(
                f"place_floor is {self._terms.place_floor}, but open windows were filled under "
                f"{floor}: let them close under the old one first"
            )
        keep_from = base["keep_from"]
        kept = [
            (position, *_parse(value))
            for position, value in runs
            if keep_from is not None and position >= keep_from
        ]
        every = [
            (position, _Fed(*head["fed"]), *decode_cells(message, coded=True))
            for position, head, message in kept
            if head["fed"] is not None
        ]
        inputs = [one for one in every if not one[2].minutes]
        minutes = [(at, rows[fed.skip :]) for at, fed, head, rows in every if head.minutes]
        if "minutes" in base:  # else it was written before there were any
            self._minutes.restore(base["minutes"], minutes)
        covered = Counter(header.ingest for _, _, header, _ in inputs)
        for name, saved in base["ingests"].items():
            self._ingests[name] = _resumed(saved, self._terms, covered[name])
        for position, fed, header, rows in inputs:
            self._feed(position, header.ingest, fed, rows[fed.skip :])
        self._taken.restore(base["applied"])


def _snapshot(state: _Ingest) -> dict[str, object]:
    settled = state.ledger.settled()
    return {
        "marks": {str(origin): mark for origin, mark in state.marks.items()},
        "ended": sorted(state.ended),
        "dropped_watermark": state.dropped_watermark,
        "floor": settled.floor,
        "accounts": {
            site: (account.counted, account.released, account.withheld)
            for site, account in settled.accounts.items()
        },
    }


def _resumed(saved: dict[str, Any], terms: Terms, covered: int) -> _Ingest:
    accounts = {site: Account(*numbers) for site, numbers in saved["accounts"].items()}
    ledger = terms.ledger(Settled(saved["floor"], accounts), saved["dropped_watermark"], covered)
    return _Ingest(
        ledger,
        {int(origin): mark for origin, mark in saved["marks"].items()},
        set(saved["ended"]),
        saved["dropped_watermark"],
    )


def _parse(value: bytes) -> tuple[dict[str, Any], bytes]:
    head, newline, message = value.partition(b"\n")
    try:
        base = orjson.loads(head)
    except orjson.JSONDecodeError as error:
        raise IntegrityError("a run of the release's state is damaged") from error
    if not newline or not isinstance(base, dict):
        raise IntegrityError("a run of the release's state is damaged")
    return base, message
