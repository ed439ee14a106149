"""Compares the volumes of a chain with what they are bound from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import polars as pl

from pipeline.errors import IntegrityError
from pipeline.vault import bloom
from pipeline.vault.binding import indexes
from pipeline.vault.erasures import Erasures, of_places
from pipeline.vault.manifest import Chain, Entry, Head, digest
from pipeline.vault.merging import merged, rows_of
from pipeline.vault.recount import UNREADABLE
from pipeline.vault.segments import cut
from pipeline.vault.standing import laid_over, stale
from pipeline.vault.storage import Storage
from pipeline.vault.volumes import (
    SUFFIX,
    Files,
    Volume,
    Volumes,
    counts_together,
    covering,
    decode,
    held_together,
)

_AT_ONCE: Final = 100_000
"""Rows that are compared at once."""


@dataclass(frozen=True, slots=True)
class Past:
    """The volumes of a chain whose records were past their time, in its order."""

    volumes: Sequence[Volume]

    def covers(self, place: int) -> bool:
        """Tell whether the entry of a place is one of theirs."""
        return covering(self.volumes, place) is not None

    def behind(self, head: Head) -> Head:
        """Return where the chain goes on behind ``head`` and those of them that follow it."""
        for one in self.volumes:
            if (one.first, one.previous) == (head.next, head.sha256):
                head = one.head
        return head


def expired(storage: Storage, folder: str) -> Past:
    """Return the volumes past their time, those that are damaged left out."""
    return Past([volume for _, volume in _read(storage, folder) if volume and volume.expired])


def bound(storage: Storage, part: str) -> Iterator[str]:
    """Yield what is wrong with the volumes in a folder; raises UnavailableError."""
    folder = part.rpartition("/")[0]
    found = dict(_read(storage, folder))
    named = set(found)
    for path, volume in found.items():
        if volume is None:
            yield f"{path}: is changed or cut, or no volume"
            continue
        named |= set() if volume.files is None else set(volume.files.names)
        yield from _volume(storage, folder, path, volume)
    if None not in found.values():
        names = (f"{part}/{name}" for name in storage.names(part))
        yield from (f"{name}: is in no volume" for name in names if name not in named)


def _read(storage: Storage, folder: str) -> Iterator[tuple[str, Volume | None]]:
    """Yield each volume by its file, None where it is damaged or another's."""
    volumes = Volumes(storage, folder)
    for name in storage.names(volumes.folder):
        path = f"{volumes.folder}/{name}"
        if not name.endswith(SUFFIX):
            continue
        try:
            volume = decode(storage.read(path))
        except (FileNotFoundError, IntegrityError):
            yield path, None
        else:
            yield path, volume if volumes.name_of(volume.first) == path else None


def _volume(storage: Storage, folder: str, path: str, volume: Volume) -> Iterator[str]:
    """Check one volume against the entries it covers."""
    if volume.expired:
        return  # what it was bound from is gone; the chain is followed across it elsewhere
    try:
        after = Head(volume.first, volume.previous)
        written = Chain(storage, folder).entries(after, volume.last)
        erasures = Erasures(storage, folder).all()
    except IntegrityError:
        yield f"{path}: does not fit the manifest or the erasure list"
        return
    if not written or digest(written[-1]) != volume.end or written[-1].sources != volume.sources:
        yield f"{path}: covers other entries than it says"
        return
    if stale(volume, erasures):
        yield f"{path}: holds tokens of records that were erased since: it is to be taken apart"
        return
    now = laid_over(folder, written, of_places(erasures, volume.first, volume.last))
    if counts_together(now) != volume.counts or held_together(now) != volume.held:
        yield f"{path}: does not tell what its entries count"
    elif volume.files is None:
        if volume.counts:
            yield f"{path}: counts records though it names no index"
    else:
        yield from _files(storage, volume.files, now, path)


def _files(storage: Storage, files: Files, now: Sequence[Entry], path: str) -> Iterator[str]:
    """Check a volume's files against it, and against the indexes they are merged from."""
    data: list[bytes] = []
    for name, sha256 in zip(files.names, (files.index_sha256, files.filter_sha256), strict=True):
        try:
            data.append(storage.read(name))
        except FileNotFoundError:
            yield f"{name}: is missing, or no file"
            return
        if hashlib.sha256(data[-1]).hexdigest() != sha256:
            yield f"{name}: is changed or cut"
            return
    try:
        yield from _content(storage, data, now, path)
    except UNREADABLE:
        yield f"{path}: cannot be compared with the segments it is bound from"


def _content(
    storage: Storage, data: Sequence[bytes], now: Sequence[Entry], path: str
) -> Iterator[str]:
    records = sum(one.records for entry in now for one in entry.counts)
    tokens: list[pl.Series] = []
    mine = cut(rows_of(data[0]), _AT_ONCE)
    theirs = cut(merged(indexes(storage, now), records), _AT_ONCE)
    for one, other in zip_longest(mine, theirs):
        if one is None or other is None or not one.equals(other):
            yield f"{path}: has another index than its segments"
            return
        tokens.append(other.get_column("token").drop_nulls().unique())
    if bloom.encode(pl.concat(tokens)) != data[1]:
        yield f"{path}: has the filter of another index"
