"""Removes what killed writers left behind: files that can never come to count."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from pipeline.vault.erasures import Erasures
from pipeline.vault.manifest import Chain
from pipeline.vault.storage import Storage
from pipeline.vault.volumes import place_of

_FILES_A_FLUSH: Final = 3


def sweep(storage: Storage, folder: str) -> int:
    """Remove the orphans in a partition's folder; return how many there were.

    A segment file's name begins with the place in the chain its writer was at. Once that place is
    taken by an entry that names other files, no writer can win it any more, not even one that was
    halted and goes on; so this is safe beside any number of writers. Files at the chain's end are
    left: their writer may be at work.
    """
    for name in ("segments", "manifest"):
        storage.clean(f"{folder}/{name}")
    chain = Chain(storage, folder)
    # What was replaced since records were erased from it has no place any more.
    replaced = {name for one in Erasures(storage, folder).all() for name in one.replaces}
    taken = chain.head().next
    places: defaultdict[int, list[str]] = defaultdict(list)
    for name in storage.names(f"{folder}/segments"):
        place = place_of(name)
        if place is not None:
            places[place].append(f"{folder}/segments/{name}")
    removed = 0
    for place, names in places.items():
        odd = len(names) != _FILES_A_FLUSH or not replaced.isdisjoint(names)
        entry = chain.at(place) if place < taken and odd else None
        if entry is None:
            continue
        segment = entry.segment
        kept = set() if segment is None else {*segment.names} - replaced
        for name in sorted({*names} - kept):
            storage.remove(name)
            removed += 1
    return removed
