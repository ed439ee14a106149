"""Which segments count: a chain of small entries for each partition of ``vault.sealed``.

An entry's file is named after the first sealed offset it covers, which is the one after the last
of the entry before. It is created exclusively, so of two writers at the same place one wins, and
no flush is ever in the chain twice. Each entry holds the SHA-256 of the one before, and one of
itself, since nothing comes after the last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import orjson

from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.vault import hashed
from pipeline.vault.storage import Storage
from pipeline.vault.together import together

VERSION: Final = 3
SEALED: Final = "sealed-"
"""Begins the folder of what came by a partition of ``vault.sealed``."""
HOLD: Final = "hold-"
"""Begins the folder of a legal hold, which is called what its key is."""
PLACE_DIGITS: Final = 20
"""A place in the chain, as the names of its files begin."""


@dataclass(frozen=True, slots=True)
class SegmentFiles:
    """One flush: its three files, by name and SHA-256, and what they hold.

    Of the index also its footer's length and SHA-256, which a reader of a part of it can check.
    ``bytes`` counts the ciphertext of the frames.
    """

    data: str
    data_sha256: str
    index: str
    index_sha256: str
    index_footer: int
    index_footer_sha256: str
    filter: str
    filter_sha256: str
    batches: int
    frames: int
    records: int
    bytes: int

    @property
    def names(self) -> tuple[str, ...]:
        """All files of the segment."""
        return (self.data, self.index, self.filter)


@dataclass(frozen=True, slots=True)
class Count:
    """Records of one site, label, ingest, outcome and reason."""

    site: str
    label: str
    ingest: str
    outcome: str
    reason: str | None
    records: int


@dataclass(frozen=True, slots=True)
class Held:
    """What one sealing key holds of one site in a segment.

    ``records`` in all, ``untimed`` of them without a time; ``first`` and ``last`` hour of the
    others (starts, seconds since 1970 UTC), None where there are no others.
    """

    key_id: str
    site: str
    records: int
    untimed: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one flush added.

    It covers the offsets ``first`` to ``last`` of its partition of ``vault.sealed``. ``sources``
    gives, for each source partition ever seen here, the last offset and line the vault holds.
    ``held`` says whose records they are, by sealing key and site. ``segment`` is None where all
    that came was in the vault already.
    """

    first: int
    last: int
    previous: str | None
    segment: SegmentFiles | None
    sources: dict[str, tuple[int, int]]
    counts: tuple[Count, ...] = ()
    held: tuple[Held, ...] = ()

    @property
    def keys(self) -> dict[str, int]:
        """Records by sealing key."""
        return by_key(self.held)

    @property
    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last hour by site, of the records that have a time."""
        found: dict[str, tuple[int, int]] = {}
        for held in self.held:
            if held.first is not None and held.last is not None:
                first, last = found.get(held.site, (held.first, held.last))
                found[held.site] = (min(first, held.first), max(last, held.last))
        return found


def by_key(held: Iterable[Held]) -> dict[str, int]:
    """Return records by sealing key."""
    found: dict[str, int] = {}
    for one in held:
        found[one.key_id] = found.get(one.key_id, 0) + one.records
    return found


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: where it goes on, its last entry's SHA-256, and the sources so far."""

    next: int = 0
    sha256: str | None = None
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)


def folder_of(partition: int, log: str = "") -> str:
    """Return the folder of a partition of ``vault.sealed`` on the broker called ``log``.

    Raises SettingsError for a name of a log that is not letters and digits.
    """
    if log and not (log.isascii() and log.isalnum()):
        raise SettingsError("vault: name the broker's log by letters and digits alone")
    return f"{SEALED}{log}-{partition}" if log else f"{SEALED}{partition}"


def folders(storage: Storage) -> list[str]:
    """Return the folders that hold a chain of what was sealed, in order."""
    return [name for name in storage.folders() if name.startswith(SEALED)]


def held_folders(storage: Storage) -> list[str]:
    """Return the folders of legal holds, in order: copies of records, under keys of their own."""
    return [name for name in storage.folders() if name.startswith(HOLD)]


class Chain:
    """The manifest of one partition, in the partition's folder."""

    def __init__(self, storage: Storage, folder: str) -> None:
        self._storage = storage
        self._folder = f"{folder}/manifest"

    def head(self) -> Head:
        """Return the end of the chain as it is now; raises IntegrityError where it is damaged."""
        names = self._storage.names(self._folder)
        if not names:
            return Head()
        entry, sha256 = self._entry(names[-1])
        return Head(entry.last + 1, sha256, entry.sources)

    def entries(self, after: Head | None = None, last: int | None = None) -> list[Entry]:
        """Return the entries behind ``after`` (the beginning), oldest first, up to offset ``last``.

        Has checked that each follows the one before, the first of them ``after``.
        """
        head = after or Head()
        wanted = [
            name
            for name in self._storage.names(self._folder)
            if name_of(head.next) <= name and (last is None or name <= name_of(last))
        ]
        try:
            read = list(together(self._entry, wanted))
        except FileNotFoundError as error:
            raise UnavailableError(
                f"manifest {self._folder}: entries went while they were read: try again"
            ) from error
        entries: list[Entry] = []
        for name, (entry, sha256) in zip(wanted, read, strict=True):
            if entry.first != head.next or entry.previous != head.sha256:
                raise IntegrityError(
                    f"manifest {self._folder}: entry {name} does not follow the one before"
                )
            entries.append(entry)
            head = Head(entry.last + 1, sha256, entry.sources)
        return entries

    def at(self, first: int) -> Entry | None:
        """Return the entry at a place, None where there is none yet."""
        try:
            return self._entry(name_of(first))[0]
        except FileNotFoundError:
            return None

    def append(self, entry: Entry) -> Head | None:
        """Add an entry at its place; return the new end, None where the place is taken."""
        data = _encode(entry)
        if not self._storage.create(f"{self._folder}/{name_of(entry.first)}", data):
            return None
        return Head(entry.last + 1, hashlib.sha256(data).hexdigest(), entry.sources)

    def _entry(self, name: str) -> tuple[Entry, str]:
        data = self._storage.read(f"{self._folder}/{name}")
        try:
            entry = decode(data)
        except IntegrityError:
            raise IntegrityError(f"manifest {self._folder}: entry {name} is damaged") from None
        if name_of(entry.first) != name:
            raise IntegrityError(f"manifest {self._folder}: entry {name} is in another's place")
        return entry, hashlib.sha256(data).hexdigest()


def name_of(first: int) -> str:
    """Return the name of the entry that begins at a sealed offset."""
    return f"{first:0{PLACE_DIGITS}}.json"


def digest(entry: Entry) -> str:
    """Return the SHA-256 (hex) of an entry's file, by which the next one names it."""
    return hashlib.sha256(_encode(entry)).hexdigest()


def _encode(entry: Entry) -> bytes:
    return hashed.encode(VERSION, asdict(entry))


def decode(data: bytes) -> Entry:
    """Return the entry a file holds; raises IntegrityError where it is not as it was written."""
    try:
        return _decode(data)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError("entry of a manifest is damaged") from error


def _decode(data: bytes) -> Entry:
    values = hashed.decode(VERSION, data)
    segment = values.pop("segment")
    counts = values.pop("counts")
    held = values.pop("held")
    sources = values.pop("sources")
    return Entry(
        **values,
        segment=None if segment is None else SegmentFiles(**segment),
        counts=tuple(Count(**count) for count in counts),
        sources=sources_of(sources),
        held=tuple(Held(**one) for one in held),
    )


def sources_of(values: dict[str, Sequence[int]]) -> dict[str, tuple[int, int]]:
    """Return sources as an entry has them from what JSON makes of them."""
    return {source: (offset, line) for source, (offset, line) in values.items()}
