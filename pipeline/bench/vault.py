"""Looks addresses up in a simulated day's vault, and in ninety of them, beside a full scan.

Cold means: a process of its own for each look-up, no file of the vault in the page cache when it
starts, and a file's pages let go again as soon as it is closed, so that the same day linked ninety
times is read from the disk ninety times. Directories and inodes may be cached.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import polars as pl

from pipeline.bench.counted import CountedStorage, let_go
from pipeline.bench.sealed_day import SITES, START, Day, key_of
from pipeline.errors import PartywallError
from pipeline.investigations.lookup import fetch, rows, tokens_of
from pipeline.investigations.open import open_frame
from pipeline.investigations.segments import Effort
from pipeline.rows import DAY, HOUR
from pipeline.vault.manifest import Chain, Entry, Head, folders
from pipeline.vault.standing import Standing
from pipeline.vault.storage import LocalStorage
from pipeline.vault.upkeep import upkeep
from pipeline.vault.volumes import Volume, Volumes

T = TypeVar("T")

DAYS: Final = 90
PAGE: Final = 100
"""Records opened at once, as a page of results is."""

_FREQUENT: Final = 100
_SAMPLE: Final = 2**28
"""Bytes of the vault that the full scan is timed on."""


class WrongAnswerError(PartywallError):
    """A look-up found other records than were made."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """One address looked up: what was found, how long it took (seconds), and what was read.

    ``found`` and ``page`` come one after the other: all index rows, then the first PAGE of the
    records, opened.
    """

    name: str
    records: int
    found_seconds: float
    found_bytes: int
    page_seconds: float
    page_bytes: int
    segments: int
    frames: int

    @property
    def seconds(self) -> float:
        """Return how long all of it took."""
        return self.found_seconds + self.page_seconds

    @property
    def bytes(self) -> int:
        """Return what was read in all."""
        return self.found_bytes + self.page_bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything read, opened and searched: timed on a sample, reckoned by bytes for the whole."""

    sampled_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one day while it goes on, once it is bound, and of DAYS that are bound.

    ``present_bytes`` are the vault's before it is bound, ``bytes`` those after.
    """

    records: int
    present_bytes: int
    bytes: int
    segments: int
    binding_seconds: float
    present: Sequence[LookUp]
    day: Sequence[LookUp]
    scan: Scan
    days: Sequence[LookUp] = field(default_factory=list)


def measure(day: Day, tell: Callable[[str], None]) -> Measured:
    """Look up in a day, bound and not, and in DAYS linked ones; raises WrongAnswerError."""
    probes = _probes(day)
    storage = LocalStorage(day.vault)
    _unbound(day.vault)
    segments = sum(
        e.segment is not None for f in folders(storage) for e in Chain(storage, f).entries()
    )
    tell(f"looking up in a day that goes on: {segments:,} segments")
    size = _size(day.vault)
    present = [_apart(day.vault, day, name, number, 1) for name, number in probes.items()]
    tell("scanning a sample of it")
    scan = _in_a_process(_scan, day.vault, day.plan.seed)
    tell("binding it")
    binding = bind(day.vault)
    tell("looking up in the bound day")
    of_day = [_apart(day.vault, day, name, number, 1) for name, number in probes.items()]
    tell(f"linking the day {DAYS} times")
    many = linked(day, DAYS)
    tell(f"looking up in {DAYS} days: {segments * DAYS:,} segments")
    of_days = [
        _apart(many, day, name, number, DAYS)
        for name, number in probes.items()
        if day.counts[number] <= _FREQUENT * 2
    ]
    return Measured(
        records=day.plan.records,
        present_bytes=size,
        bytes=_size(day.vault),
        segments=segments,
        binding_seconds=binding,
        present=present,
        day=of_day,
        scan=scan,
        days=of_days,
    )


def _size(vault: Path) -> int:
    return sum(path.stat().st_size for path in vault.rglob("*") if path.is_file())


def bind(vault: Path) -> float:
    """Bind a day as the vault's worker does the night after; return the seconds that took."""
    begun, storage = time.perf_counter(), LocalStorage(vault)
    after = dt.datetime.fromtimestamp(START + DAY + 2 * HOUR, dt.UTC)
    for folder in folders(storage):
        upkeep(storage, folder, after, DAYS)
    return time.perf_counter() - begun


def _unbound(vault: Path) -> None:
    for volumes in vault.glob("*/volumes"):
        shutil.rmtree(volumes)


def _probes(day: Day) -> dict[str, int]:
    """Return whom to look up: somebody met once, as often as most, often, and most often of all."""
    counts = day.counts
    usual = day.plan.records / day.plan.addresses
    return {
        "infrequent": int(np.argmax(np.where(counts > 0, -counts, -(2**62)))),
        "usual": int(np.argmin(np.abs(counts - usual))),
        "frequent": int(np.argmin(np.abs(counts - _FREQUENT))),
        "most frequent": int(np.argmax(counts)),
    }


def linked(day: Day, times: int) -> Path:
    """Return a vault that holds a bound day many times, by links.

    Each has a broker's name of its own.
    """
    home, made = (day.vault.parent / f"linked-{times}{end}" for end in ("", ".made"))
    if made.exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    source = LocalStorage(day.vault)
    for folder in folders(source):
        partition = folder.rpartition("-")[2]
        chain = Standing.of(source, folder)
        entries = chain.entries()
        for number in range(times):
            name = f"sealed-d{number}-{partition}"
            for part in ("segments", "manifest", "volumes"):
                (home / name / part).mkdir(parents=True)
            _link_day(day.vault, home, entries, chain.volumes, folder, name)
    made.touch()
    return home


def _link_day(
    source: Path, home: Path, entries: Sequence[Entry], volumes: Sequence[Volume],
    old: str, new: str,
) -> None:  # fmt: skip
    """Link a chain's files into another's folder, and write manifest and volumes for them."""
    to = _Unsynced(home)
    chain, heads = Chain(to, new), {0: Head()}
    for entry in entries:
        segment, head = entry.segment, heads[entry.first]
        if segment is not None:
            data, index, filtering = _link(source, home, segment.names, old, new)
            segment = replace(segment, data=data, index=index, filter=filtering)
        placed = chain.append(replace(entry, previous=head.sha256, segment=segment))
        assert placed is not None  # noqa: S101 - nobody else writes here
        heads[placed.next] = placed
    for volume in volumes:
        files = volume.files
        if files is not None:
            index, filtering = _link(source, home, files.names, old, new)
            files = replace(files, index=index, filter=filtering)
        previous, end = heads[volume.first].sha256, heads[volume.last + 1].sha256
        Volumes(to, new).add(replace(volume, previous=previous, end=str(end), files=files))


def _link(source: Path, home: Path, names: Sequence[str], old: str, new: str) -> list[str]:
    """Link files of a folder into another; return their names there."""
    there = [name.replace(old, new, 1) for name in names]
    for one, other in zip(names, there, strict=True):
        os.link(source / one, home / other)
    return there


class _Unsynced(LocalStorage):
    """A folder whose files may be lost in a crash: they are made again."""

    def create(self, name: str, data: bytes) -> bool:
        (self._root / name).write_bytes(data)
        return True


def _apart(vault: Path, day: Day, name: str, number: int, times: int) -> LookUp:
    let_go(vault)
    expected = int(day.counts[number]) * times
    found = _in_a_process(look_up, vault, name, day.address(number), day.plan.seed)
    if found.records != expected:
        raise WrongAnswerError(f"{name}: {found.records:,} records found of {expected:,}")
    return found


def look_up(vault: Path, name: str, address: str, seed: int) -> LookUp:
    """Find an address's records of the day, open the first PAGE, and see that they are its own."""
    key, private = key_of(seed)
    storage, effort = CountedStorage(vault), Effort()
    span = (START, START + DAY - HOUR)
    begun = time.perf_counter()
    tokens = tokens_of(address, SITES, *span, {key.key_id: key.token_key})
    found = rows(storage, SITES, *span, tokens, effort=effort)
    between, read = time.perf_counter(), storage.bytes
    frames = 0
    for frame in fetch(storage, found.head(PAGE), effort):
        lines = open_frame(private, frame.head, frame.encapsulated, frame.frame, frame.ciphertext)
        frames += 1
        start = f"{address} ".encode()
        if not all(lines[row].startswith(start) for row in frame.rows["row"]):
            raise WrongAnswerError(f"{name}: a row names another's record")
    ended = time.perf_counter()
    return LookUp(
        name,
        found.height,
        between - begun,
        read,
        ended - between,
        storage.bytes - read,
        effort.segments,
        frames,
    )


def _scan(vault: Path, seed: int) -> Scan:
    """Read, open and search whole segments until _SAMPLE bytes are through."""
    _, private = key_of(seed)
    storage = CountedStorage(vault)
    begun = time.perf_counter()
    whole = pl.col("row").is_not_null()
    for folder in folders(storage):
        for entry in Chain(storage, folder).entries():
            if entry.segment is None or storage.bytes > _SAMPLE:
                continue
            index = pl.read_parquet(storage.read(entry.segment.index)).filter(whole)
            index = index.with_columns(data=pl.lit(entry.segment.data))
            for frame in fetch(storage, index):
                lines = open_frame(
                    private, frame.head, frame.encapsulated, frame.frame, frame.ciphertext
                )
                pl.Series(lines).bin.starts_with(b"203.0.113.1 ").sum()
    return Scan(storage.bytes, time.perf_counter() - begun)


def _in_a_process(act: Callable[..., T], *values: object) -> T:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(act, *values).result()
