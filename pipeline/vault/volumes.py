"""Volumes: the segments of a day bound together, so that a look-up opens one index a day.

A volume covers a run of entries of a chain and says what they say, added up. Its two files are the
segments' indexes merged, with the data file of each record, and a filter over all their tokens. It
adds nothing that the entries and segments do not hold: whoever has none reads those.

Once the keys of its records are past their time, a volume is what is left: segments, merged index
and entries go, and it keeps the count of what there was, and where the chain goes on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from pipeline.errors import IntegrityError
from pipeline.vault import hashed
from pipeline.vault.manifest import PLACE_DIGITS, Count, Entry, Head, Held, by_key, sources_of
from pipeline.vault.storage import Storage
from pipeline.vault.together import together

VERSION: Final = 1
SUFFIX: Final = ".json"
"""Ends the name of a volume; its files are called otherwise."""


@dataclass(frozen=True, slots=True)
class Files:
    """A volume's two files, by name and SHA-256; of the index also its footer's."""

    index: str
    index_sha256: str
    index_footer: int
    index_footer_sha256: str
    filter: str
    filter_sha256: str

    @property
    def names(self) -> tuple[str, str]:
        """Both files."""
        return (self.index, self.filter)


@dataclass(frozen=True, slots=True)
class Volume:
    """The entries whose places are ``first`` to ``last`` (sealed offsets), added up.

    ``previous`` is the SHA-256 of the entry before them, ``end`` that of the last of them;
    ``sources`` are that one's. ``day`` is the last whose key sealed any of them, as it was told
    when they were bound. ``counts`` and ``held`` are as in an entry. ``erasures`` says how much of
    the chain's erasure list it takes in. ``files`` is None where no record is left, and ``expired``
    says that the records were past their time.
    """

    first: int
    last: int
    previous: str | None
    end: str
    sources: dict[str, tuple[int, int]]
    day: int
    counts: tuple[Count, ...]
    held: tuple[Held, ...]
    erasures: int
    files: Files | None
    expired: bool = False

    @property
    def keys(self) -> dict[str, int]:
        """Records by sealing key."""
        return by_key(self.held)

    @property
    def head(self) -> Head:
        """Where the chain goes on behind it."""
        return Head(self.last + 1, self.end, self.sources)


class Volumes:
    """The volumes of one folder of the vault."""

    def __init__(self, storage: Storage, folder: str) -> None:
        self._storage = storage
        self.folder = f"{folder}/volumes"

    def all(self) -> list[Volume]:
        """Return all volumes in the order of the chain; raises IntegrityError where one is damaged.

        There may be gaps between them, and they are not compared with the chain.
        """
        names = [n for n in self._storage.names(self.folder) if n.endswith(SUFFIX)]
        return [one for one in together(self._read, names) if one is not None]

    def add(self, volume: Volume) -> bool:
        """Have a volume count; False where there is one at its place."""
        return self._storage.create(self.name_of(volume.first), _encoded(volume))

    def replace(self, volume: Volume) -> None:
        """Put a volume in the place of the one that was there."""
        self._storage.put(self.name_of(volume.first), _encoded(volume))

    def remove(self, volume: Volume) -> None:
        """Take a volume apart: its entries and segments count by themselves again.

        It goes after its files, so that a kill in between leaves none that nothing names.
        """
        for name in () if volume.files is None else volume.files.names:
            self._storage.remove(name)
        self._storage.remove(self.name_of(volume.first))

    def sweep(self, volumes: Sequence[Volume]) -> None:
        """Remove the files of places within ``volumes`` (ascending) that none of them names."""
        self._storage.clean(self.folder)
        kept = {name for one in volumes if one.files is not None for name in one.files.names}
        for name in self._storage.names(self.folder):
            path, place = f"{self.folder}/{name}", place_of(name)
            inside = place is not None and covering(volumes, place) is not None
            if inside and not name.endswith(SUFFIX) and path not in kept:
                self._storage.remove(path)

    def stem(self, first: int, random: str) -> str:
        """Return how the names of the files of a volume at a place begin."""
        return f"{self.folder}/{first:0{PLACE_DIGITS}}-{random}"

    def name_of(self, first: int) -> str:
        """Return the file of the volume at a place."""
        return f"{self.folder}/{first:0{PLACE_DIGITS}}{SUFFIX}"

    def _read(self, name: str) -> Volume | None:
        path = f"{self.folder}/{name}"
        try:
            found = decode(self._storage.read(path))
        except FileNotFoundError:  # taken apart since it was listed
            return None
        except IntegrityError:
            raise IntegrityError(f"vault: {path} is damaged") from None
        if self.name_of(found.first) != path:
            raise IntegrityError(f"vault: {path} is in another's place")
        return found


def decode(data: bytes) -> Volume:
    """Return the volume a file holds; raises IntegrityError where it is not as it was written."""
    try:
        values = hashed.decode(VERSION, data)
        files = values.pop("files")
        return Volume(
            sources=sources_of(values.pop("sources")),
            counts=tuple(Count(**count) for count in values.pop("counts")),
            held=tuple(Held(**one) for one in values.pop("held")),
            files=None if files is None else Files(**files),
            **values,
        )
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError("volume is damaged") from error


def _encoded(volume: Volume) -> bytes:
    return hashed.encode(VERSION, asdict(volume))


def day_of(held: Iterable[Held], today: int) -> int | None:
    """Return the last day (since 1970-01-01 UTC) whose key sealed any of it, None for nothing.

    A key's id is what a sealed message says. Ids that name no day, or one beyond tomorrow, are of
    nobody's keys and say nothing here.
    """
    named = (one.key_id.partition("-")[0] for one in held)
    days = (
        int(day) for day in named if day.isascii() and day.isdigit() and len(day) < PLACE_DIGITS
    )
    return max((day for day in days if day <= today + 1), default=None)


def covering(volumes: Sequence[Volume], place: int) -> Volume | None:
    """Return which of some volumes (ascending) covers a place, None where none does."""
    at = bisect_right(volumes, place, key=lambda one: one.first) - 1
    return volumes[at] if at >= 0 and place <= volumes[at].last else None


def place_of(name: str) -> int | None:
    """Return the place a file's name begins with, None where it is no file of a vault."""
    place = name[:PLACE_DIGITS]
    return (
        int(place) if len(place) == PLACE_DIGITS and place.isascii() and place.isdigit() else None
    )


def counts_together(entries: Sequence[Entry]) -> tuple[Count, ...]:
    """Add up what entries count."""
    found: Counter[tuple[str, str, str, str, str | None]] = Counter()
    for one in (count for entry in entries for count in entry.counts):
        found[one.site, one.label, one.ingest, one.outcome, one.reason] += one.records
    ordered = sorted(found.items(), key=lambda item: [part or "" for part in item[0]])
    return tuple(Count(*group, records) for group, records in ordered)


def held_together(entries: Sequence[Entry]) -> tuple[Held, ...]:
    """Add up what entries hold, by sealing key and site."""
    found: dict[tuple[str, str], Held] = {}
    for one in (held for entry in entries for held in entry.held):
        before = found.get((one.key_id, one.site))
        found[one.key_id, one.site] = one if before is None else _both(before, one)
    return tuple(found[key] for key in sorted(found))


def _both(one: Held, other: Held) -> Held:
    hours = [h for h in (one.first, one.last, other.first, other.last) if h is not None]
    return replace(
        one,
        records=one.records + other.records,
        untimed=one.untimed + other.untimed,
        first=min(hours, default=None),
        last=max(hours, default=None),
    )
