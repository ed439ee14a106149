"""Binds the segments of a run of entries into a volume: indexes merged, one filter for all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipeline.errors import IntegrityError
from pipeline.vault import bloom
from pipeline.vault.manifest import Entry, digest
from pipeline.vault.merging import merged
from pipeline.vault.segments import VOLUME_SCHEMA, footer, indexed
from pipeline.vault.storage import Storage
from pipeline.vault.volumes import Files, Volume, Volumes, counts_together, held_together


@dataclass(frozen=True, slots=True)
class Made:
    """A volume, and the bytes of its files by name."""

    volume: Volume
    files: dict[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that follow one another, as they were written, and their day (since 1970 UTC)."""

    day: int
    entries: Sequence[Entry]


def bound(storage: Storage, folder: str, run: Run, now: Sequence[Entry], erasures: int) -> Made:
    """Return the volume of a run; ``now`` is how its entries count today.

    ``erasures`` is how many entries of the erasure list ``now`` takes in. All indexes are held,
    packed as they are. Raises IntegrityError where one is missing or changed, UnavailableError.
    """
    records = sum(one.records for entry in now for one in entry.counts)
    written = run.entries
    stem = Volumes(storage, folder).stem(written[0].first, secrets.token_hex(8))
    named, files = None, {}
    if records:
        tokens: list[pl.Series] = []
        rows = _told(merged(indexes(storage, now), records), tokens)
        index = indexed(rows, records, VOLUME_SCHEMA)
        filtering = bloom.encode(pl.concat(tokens))
        named = Files(
            index=f"{stem}.index.parquet",
            index_sha256=_sha256(index),
            index_footer=len(footer(index)),
            index_footer_sha256=_sha256(footer(index)),
            filter=f"{stem}.filter",
            filter_sha256=_sha256(filtering),
        )
        files = {named.index: index, named.filter: filtering}
    volume = Volume(
        first=written[0].first,
        last=written[-1].last,
        previous=written[0].previous,
        end=digest(written[-1]),
        sources=written[-1].sources,
        day=run.day,
        counts=counts_together(now),
        held=held_together(now),
        erasures=erasures,
        files=named,
    )
    return Made(volume, files)


def indexes(storage: Storage, entries: Sequence[Entry]) -> dict[str, bytes]:
    """Return the index files of entries, by the data file they are of (within its folder)."""
    found = {}
    for segment in (entry.segment for entry in entries if entry.segment is not None):
        data = _whole(storage, segment.index, segment.index_sha256)
        found[segment.data.partition("/")[2]] = data
    return found


def _told(parts: Iterator[pl.DataFrame], tokens: list[pl.Series]) -> Iterator[pl.DataFrame]:
    """Yield the parts, and keep the distinct tokens of each."""
    for part in parts:
        tokens.append(part.get_column("token").drop_nulls().unique())
        yield part


def _whole(storage: Storage, name: str, sha256: str) -> bytes:
    try:
        data = storage.read(name)
    except FileNotFoundError as error:
        raise IntegrityError(f"vault: {name} is missing") from error
    if _sha256(data) != sha256:
        raise IntegrityError(f"vault: {name} is damaged")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
