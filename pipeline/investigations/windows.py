"""Cuts a span of hours into windows that can be held at once, told by the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from pipeline.investigations.segments import Sought
from pipeline.rows import HOUR
from pipeline.vault.manifest import Held

SCANNED: Final = 500_000
"""Records a window of a scan may hold: some 250 bytes each while they are held."""

SEARCHED: Final = 20 * SCANNED
"""Records a window may be searched among for tokens, of which hardly any are kept."""


class Holding(Protocol):
    """A segment or a volume: what the manifest says that it holds."""

    @property
    def held(self) -> Sequence[Held]:
        """By sealing key and site."""


def windows(parts: Sequence[Holding], sought: Sought) -> Iterator[tuple[int, int]]:
    """Yield (first, last) hours, ascending, that together cover all hours that may hold any.

    A window is as long as the records of its hours stay under SCANNED or SEARCHED, an hour at
    least. How many those are is estimated: the records of a key and site in a part are taken
    to be spread evenly over their hours.
    """
    most = SCANNED if sought.tokens is None else SEARCHED
    # The rate of records changes where a part's span begins or ends.
    changes: dict[int, float] = {}
    for part in parts:
        for held in part.held:
            if sought.may_be_in(held) and held.first is not None and held.last is not None:
                end = held.last + HOUR
                rate = (held.records - held.untimed) / (end - held.first)
                first, end = max(held.first, sought.first), min(end, sought.last + HOUR)
                if first < end:
                    changes[first] = changes.get(first, 0.0) + rate
                    changes[end] = changes.get(end, 0.0) - rate
    if not changes:
        return
    start, gathered, rate = min(changes), 0.0, 0.0
    end = max(changes)
    for hour in range(start, end, HOUR):
        rate += changes.get(hour, 0.0)
        if gathered + rate * HOUR > most and hour > start:
            yield start, hour - HOUR
            start, gathered = hour, 0.0
        gathered += rate * HOUR
    yield start, end - HOUR
