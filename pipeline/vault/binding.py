"""Binds the segments of a run of entries into a volume: their indexes merged, one filter for all.

Tokens are evenly distributed, so the merge goes through them slice by slice: of each index the row
groups that reach into the slice are read, and a slice is held at a time.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError
from pipeline.vault import bloom
from pipeline.vault.manifest import Entry, digest
from pipeline.vault.segments import INDEX_SCHEMA, SORTED, VOLUME_SCHEMA, footer, indexed
from pipeline.vault.storage import Storage
from pipeline.vault.volumes import Files, Volume, Volumes, counts_of, held_by

_SLICE: Final = 500_000
_TOKENS: Final = 1 << 128


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
        index = indexed(
            _told(slices(indexes(storage, now), records), tokens), records, VOLUME_SCHEMA
        )
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
        counts=counts_of(now),
        held=held_by(now),
        erasures=erasures,
        files=named,
    )
    return Made(volume, files)


def indexes(storage: Storage, entries: Sequence[Entry]) -> dict[str | None, bytes]:
    """Return the index files of entries, by the data file they are of (within its folder)."""
    found: dict[str | None, bytes] = {}
    for segment in (entry.segment for entry in entries if entry.segment is not None):
        data = _whole(storage, segment.index, segment.index_sha256)
        found[segment.data.partition("/")[2]] = data
    return found


def slices(indexes: Mapping[str | None, bytes], rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of index files, all of them in order, a range of tokens at a time.

    Each is given ``data``, by the name it stands under; under None it has one already.
    """
    files = [(data, pq.ParquetFile(io.BytesIO(index))) for data, index in indexes.items()]
    count = -(-rows // _SLICE)
    edges = [(n * _TOKENS // count).to_bytes(16, "big") for n in range(1, count)]
    token = pl.col("token")
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        inside = token.is_not_null()
        if low is not None:
            inside &= token >= low
        if high is not None:
            inside &= token < high
        yield _slice(files, inside, low, high)
    yield _slice(files, token.is_null(), None, None, nulls=True)


def _slice(
    files: Sequence[tuple[str | None, pq.ParquetFile]],
    inside: pl.Expr,
    low: bytes | None,
    high: bytes | None,
    *,
    nulls: bool = False,
) -> pl.DataFrame:
    parts = []
    for data, file in files:
        for number in range(file.num_row_groups):
            if not _reaches(file.metadata.row_group(number), low, high, nulls=nulls):
                continue
            rows = pl.from_arrow(file.read_row_group(number))
            assert isinstance(rows, pl.DataFrame)  # noqa: S101 - a table is no series
            rows = rows.filter(inside)
            parts.append(rows if data is None else rows.with_columns(data=pl.lit(data)))
    empty = pl.DataFrame(schema=pl.Schema(VOLUME_SCHEMA))
    return pl.concat([empty, *parts]).sort([*SORTED[:2], "data", *SORTED[2:]], nulls_last=True)


def _reaches(
    group: pq.RowGroupMetaData, low: bytes | None, high: bytes | None, *, nulls: bool
) -> bool:
    found = group.column(INDEX_SCHEMA.get_field_index("token")).statistics
    if nulls or not found.has_min_max:
        return nulls and bool(found.null_count)
    return (low is None or found.max >= low) and (high is None or found.min < high)


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
