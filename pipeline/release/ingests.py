"""One ingest at door 2: its ledgers, a clock each, and how far its origins have come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.release.crossings import Crossings
from pipeline.release.ledger import Account, Ledger, Settled
from pipeline.zones import UTC


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


@dataclass(slots=True)
class Ingest:
    """The state of one ingest in a partition."""

    ledgers: dict[str, Ledger] = field(default_factory=dict)
    """Zone → what closes the days of sites that live by its clock."""
    marks: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    dropped: dict[str, int] = field(default_factory=dict)
    """Zone → the highest that its clock showed with inputs that are dropped."""

    @property
    def oldest_day(self) -> int | None:
        """The oldest day that is held on any clock."""
        held = [ledger.oldest_day for ledger in self.ledgers.values()]
        return min((day for day in held if day is not None), default=None)

    def saved(self) -> dict[str, object]:
        """Return the base from which ``resumed`` goes on, as JSON."""
        return {
            "marks": {str(origin): mark for origin, mark in self.marks.items()},
            "ended": sorted(self.ended),
            "clocks": {
                zone: {
                    "dropped_watermark": self.dropped.get(zone),
                    "floor": settled.floor,
                    "accounts": {
                        site: (account.counted, account.released, account.withheld)
                        for site, account in settled.accounts.items()
                    },
                }
                for zone, ledger in self.ledgers.items()
                for settled in (ledger.settled(),)
            },
        }

    @classmethod
    def resumed(cls, saved: dict[str, Any], terms: Terms, covered: int) -> Self:
        """Return an ingest from its base; ``covered`` inputs of it are left in the log."""
        # Before there were zones, an ingest had one ledger, by UTC.
        clocks = saved.get("clocks", {UTC: saved})
        state = cls(
            marks={int(origin): mark for origin, mark in saved["marks"].items()},
            ended=set(saved["ended"]),
        )
        for zone, one in clocks.items():
            accounts = {site: Account(*numbers) for site, numbers in one["accounts"].items()}
            dropped = one["dropped_watermark"]
            state.ledgers[zone] = terms.ledger(Settled(one["floor"], accounts), dropped, covered)
            if dropped is not None:
                state.dropped[zone] = dropped
        return state
