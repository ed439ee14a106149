"""Which segments stand in the place of others, since records were erased from them.

The list lies beside a chain and is one itself: entry ``n`` holds the SHA-256 of the one before, and
is created exclusively. The manifest stays as it was written; what counts today is the manifest with
the list laid over it. An entry says what was erased by site, source and outcome and how many there
were. It holds no token and no address, so that nothing is left that points to a person.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from pipeline.errors import IntegrityError
from pipeline.vault.manifest import Count, Held, SegmentFiles
from pipeline.vault.storage import Storage

VERSION: Final = 1
_DIGITS: Final = 20
_DAMAGED: Final = "is damaged"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One segment in the place of another.

    ``by`` names the decision (a case and its request). ``place`` is ``first`` of the manifest's
    entry; ``replaces`` names the files that go, ``segment`` what stands there now, None where
    nothing is left; ``counts`` and ``held`` are as in the manifest's entry, ``erased`` counts what
    is gone.
    """

    number: int
    previous: str | None
    by: str
    place: int
    replaces: tuple[str, ...]
    segment: SegmentFiles | None
    counts: tuple[Count, ...]
    held: tuple[Held, ...]
    erased: tuple[Count, ...]

    @property
    def records(self) -> int:
        """How many records are gone."""
        return sum(count.records for count in self.erased)


class Erasures:
    """The erasure list of one folder of the vault."""

    def __init__(self, storage: Storage, folder: str) -> None:
        self._storage = storage
        self._folder = f"{folder}/erasures"
        self.segments = f"{folder}/resealed"
        """Where the segments lie that stand in the place of others."""

    def all(self) -> list[Erasure]:
        """Return all entries, oldest first; raises IntegrityError where one is missing or other."""
        found: list[Erasure] = []
        sha256: str | None = None
        for name in self._storage.names(self._folder):
            data = self._storage.read(f"{self._folder}/{name}")
            entry = self._decoded(name, data)
            if entry.number != len(found) or name != _name(entry.number):
                raise IntegrityError(f"erasures {self._folder}: entry {name} is out of its place")
            if entry.previous != sha256:
                raise IntegrityError(
                    f"erasures {self._folder}: entry {name} does not follow the one before"
                )
            found.append(entry)
            sha256 = hashlib.sha256(data).hexdigest()
        return found

    def append(self, erasure: Erasure) -> bool:
        """Add an entry at the end; False where another writer was faster. Links it to the last."""
        before = self.all()
        previous = None
        if before:
            last = self._storage.read(f"{self._folder}/{_name(before[-1].number)}")
            previous = hashlib.sha256(last).hexdigest()
        linked = replace(erasure, number=len(before), previous=previous)
        data = orjson.dumps({"version": VERSION, **asdict(linked)}, option=orjson.OPT_SORT_KEYS)
        return self._storage.create(f"{self._folder}/{_name(linked.number)}", data)

    def finish(self) -> None:
        """Remove the files that were replaced, and those that never came to count.

        Only for whoever is alone in erasing: what another has written and not listed yet is
        removed as well.
        """
        listed = self.all()
        for name in {name for one in listed for name in one.replaces}:
            self._storage.remove(name)
        self._storage.clean(self._folder)
        self._storage.clean(self.segments)
        kept = {name for one in listed if one.segment is not None for name in one.segment.names}
        for name in self._storage.names(self.segments):
            if f"{self.segments}/{name}" not in kept:
                self._storage.remove(f"{self.segments}/{name}")

    def _decoded(self, name: str, data: bytes) -> Erasure:
        try:
            values = orjson.loads(data)
            if values.pop("version") != VERSION:
                raise ValueError(VERSION)  # noqa: TRY301 -- told once, below
            segment = values.pop("segment")
            values["replaces"] = tuple(values["replaces"])
            for part in ("counts", "erased"):
                values[part] = tuple(Count(**count) for count in values[part])
            values["held"] = tuple(Held(**one) for one in values["held"])
            return Erasure(segment=None if segment is None else SegmentFiles(**segment), **values)
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"erasures {self._folder}: entry {name} {_DAMAGED}") from error


def of_places(erasures: Sequence[Erasure], first: int, last: int | None) -> list[Erasure]:
    """Return those of a list that concern places from ``first`` to ``last`` (None: to the end)."""
    return [one for one in erasures if first <= one.place and (last is None or one.place <= last)]


def erased(storage: Storage, folder: str, by: str) -> Counter[str]:
    """Return how many records one decision has erased in a folder so far, by site."""
    found: Counter[str] = Counter()
    for one in Erasures(storage, folder).all():
        if one.by == by:
            for count in one.erased:
                found[count.site] += count.records
    return found


def _name(number: int) -> str:
    return f"{number:0{_DIGITS}}.json"
