"""One cells partition at door 2: merges what the rollups cut, and remembers what was said.

A message is applied once, in the order of the log. Its run holds the message itself and a base:
what is settled for good, and from which run on the log must be read again to build up the rest
(``ledger.Ledger.resume``, ``minutes.Minutes.restore``). So what was published is worked out again,
never stored twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import polars as pl

from pipeline.errors import SettingsError
from pipeline.labels import LIVE
from pipeline.release.homes import Homes
from pipeline.release.ingests import Ingest, Terms
from pipeline.release.ledger import Account, Released
from pipeline.release.live import LiveMinutes
from pipeline.release.runs import Fed, decode, encode, homes_before_zones
from pipeline.release.taken import Taken
from pipeline.rows import CELLS, CellsHeader, RollupsHeader, decode_cells
from pipeline.zones import reading


@dataclass(frozen=True, slots=True)
class Said:
    """What one message led to: rollups to send, and accounts by (ingest, site) to state.

    Accounts are exact and hold what is withheld, so they are stated when a day has closed or
    expired or the ingest has ended, not with every cut: the differences would be hits by the hour.
    """

    rollups: list[tuple[RollupsHeader, pl.DataFrame]]
    accounts: dict[tuple[str, str], Account]


@dataclass(frozen=True, slots=True)
class _Input:
    """What the log must keep of a run to decide when it may go: newest day by ingest."""

    position: int
    ingest: str
    newest_day: int | None
    clocks: dict[str, int]


class Partition:
    """State of one cells partition. ``origins`` is the number of events partitions."""

    def __init__(self, terms: Terms, partition: int, origins: int) -> None:
        """Start with nothing."""
        self._terms = terms
        self._partition = partition
        self._origins = origins
        self._taken = Taken()
        self._ingests: dict[str, Ingest] = {}
        self._inputs: list[_Input] = []
        self._homes = defaultdict[str, Homes](Homes)
        self._minutes = LiveMinutes(terms.k, origins, self._homes[LIVE])

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
        released = self._feed(position, header, fed, rows[skip:])
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
        told = [(RollupsHeader(table, LIVE, self._partition), cells) for table, cells in found]
        return self._run(message, Fed({}, end=False, skip=skip)), Said(told, {})

    def _advance(self, header: CellsHeader, skip: int) -> Fed:
        """Take note of how far an origin has come; return what the ledgers may know of it."""
        state = self._ingests.setdefault(header.ingest, Ingest())
        if header.zone not in state.ledgers:
            self._open(state, header.zone)
        if header.watermark is not None:
            state.marks[header.origin] = header.watermark
        if header.end:
            state.ended.add(header.origin)
        now = self._watermark(state)
        clocks = {} if now is None else {zone: reading(now, zone) for zone in state.ledgers}
        return Fed(clocks, len(state.ended) == self._origins, skip)

    def _watermark(self, state: Ingest) -> int | None:
        return min(state.marks.values()) if len(state.marks) == self._origins else None

    def _open(self, state: Ingest, zone: str) -> None:
        """Open a ledger that goes on as if it had been there from the beginning, without rows."""
        ledger = state.ledgers[zone] = self._terms.ledger()
        now = self._watermark(state)
        if now is not None:
            state.dropped[zone] = reading(now, zone)
            ledger.apply(pl.DataFrame(schema=CELLS), state.dropped[zone])

    def _feed(
        self, position: int, header: CellsHeader, fed: Fed, rows: pl.DataFrame
    ) -> list[Released]:
        """Tell each ledger of the ingest how far it has come, and its rows."""
        newest = rows["hour"].max()
        newest_day = newest if isinstance(newest, int) else None
        self._inputs.append(_Input(position, header.ingest, newest_day, fed.clocks))
        state = self._ingests[header.ingest]
        parts = self._homes[header.ingest].parted(rows, header.zone)
        return [
            ledger.apply(parts.get(zone, rows.clear()), fed.clocks.get(zone), end=fed.end)
            for zone, ledger in sorted(state.ledgers.items())
        ]

    def _said(self, ingest: str, fed: Fed, released: list[Released]) -> Said:
        rollups = [
            (RollupsHeader(table, ingest, self._partition), cells)
            for one in released
            for table, cells in one.tables.items()
            if cells.height
        ]
        if fed.end:
            table, cells = next(iter(released[0].tables.items()))
            last = RollupsHeader(table, ingest, self._partition, finished=True)
            rollups.append((last, cells.clear()))
        stated: dict[tuple[str, str], Account] = {}
        turned = {site for one in released if one.turned for site in one.accounts}
        for one in released:
            for site in turned & one.accounts.keys():
                # A site whose zone was changed has days in two ledgers.
                before = stated.get((ingest, site), Account())
                stated[ingest, site] = before + one.accounts[site]
        return Said(rollups, stated)

    def _forget(self) -> None:
        """Drop inputs at the front of the log that no day still held needs."""
        needed = len(self._inputs)
        for at, entry in enumerate(self._inputs):
            oldest = self._ingests[entry.ingest].oldest_day
            if oldest is not None and entry.newest_day is not None and entry.newest_day >= oldest:
                needed = at
                break
        for entry in self._inputs[:needed]:
            dropped = self._ingests[entry.ingest].dropped
            for zone, shown in entry.clocks.items():
                dropped[zone] = max(shown, dropped.get(zone, shown))
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

    def _run(self, message: bytes, fed: Fed | None) -> bytes:
        base = {
            "k": self._terms.k,
            "place_floor": self._terms.place_floor,
            "applied": self._taken.saved(),
            "keep_from": self.keep_from,
            "homes": {ingest: homes.saved() for ingest, homes in self._homes.items()},
            "minutes": self._minutes.snapshot(),
            "ingests": {name: state.saved() for name, state in self._ingests.items()},
        }
        return encode(base, fed, message)

    def restore(self, runs: list[tuple[int, bytes]]) -> None:
        """Build the state up from the runs, (position, value) oldest first; nothing is said.

        Raises SettingsError where k or the floor of places has changed while windows are open.
        """
        if not runs:
            return
        base, _ = decode(runs[-1][1])
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
            (position, *decode(value))
            for position, value in runs
            if keep_from is not None and position >= keep_from
        ]
        every = [
            (position, Fed.read(head["fed"]), *decode_cells(message, coded=True))
            for position, head, message in kept
            if head["fed"] is not None
        ]
        homes = base["homes"] if "homes" in base else homes_before_zones(base["ingests"])
        for ingest, stays in homes.items():
            self._homes[ingest].restore(stays)
        inputs = [one for one in every if not one[2].minutes]
        minutes = [
            (at, head.zone, rows[fed.skip :]) for at, fed, head, rows in every if head.minutes
        ]
        if "minutes" in base:  # else it was written before there were any
            self._minutes.restore(base["minutes"], minutes)
        covered = Counter(header.ingest for _, _, header, _ in inputs)
        for name, saved in base["ingests"].items():
            self._ingests[name] = Ingest.resumed(saved, self._terms, covered[name])
        for position, fed, header, rows in inputs:
            self._feed(position, header, fed, rows[fed.skip :])
        self._taken.restore(base["applied"])
