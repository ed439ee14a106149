"""Finds the sealed frames that hold an address, by its tokens, without opening anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
import pyarrow.parquet as pq

from pipeline.vault.manifest import Chain, Entry, folders
from pipeline.vault.segments import FRAMES_A_GROUP
from pipeline.vault.storage import Storage, storage_at


@dataclass(frozen=True, slots=True)
class Found:
    """A sealed frame that holds records looked for: what ``open_frame`` needs, and which rows.

    ``rows`` are index rows (columns of ``vault.segments.INDEX_SCHEMA``), ``row`` among them being
    a record's place within the opened frame.
    """

    key_id: str
    head: bytes = field(repr=False)
    encapsulated: bytes = field(repr=False)
    frame: int
    ciphertext: bytes = field(repr=False)
    rows: pl.DataFrame = field(repr=False)


@dataclass(slots=True)
class Effort:
    """How much was opened: row groups of index and data files, of how many in all."""

    segments: int = 0
    index_groups: int = 0
    index_groups_held: int = 0
    data_groups: int = 0


def find(
    vault: Storage | str,
    tokens: Mapping[str, bytes],
    first_hour: int,
    last_hour: int,
    effort: Effort | None = None,
) -> list[Found]:
    """Return the frames with records of these tokens from ``first_hour`` to ``last_hour``.

    ``tokens`` gives the address's token under the token key of each sealing key (by key id) that
    may have sealed it; hours are starts of hours in seconds since 1970 UTC, both included.
    ``effort``, where given, is added to. Raises IntegrityError, UnavailableError.
    """
    storage = storage_at(vault) if isinstance(vault, str) else vault
    spent = effort or Effort()
    return [
        found
        for folder in folders(storage)
        for entry in Chain(storage, folder).entries()
        if _may_hold(entry, tokens, first_hour, last_hour)
        for found in _in_segment(storage, entry, tokens, (first_hour, last_hour), spent)
    ]


def _may_hold(entry: Entry, tokens: Mapping[str, bytes], first: int, last: int) -> bool:
    """Tell from the manifest whether a segment is worth opening."""
    in_span = any(since <= last and first <= until for since, until in entry.spans.values())
    return entry.segment is not None and in_span and bool(entry.keys.keys() & tokens.keys())


def _in_segment(
    storage: Storage,
    entry: Entry,
    tokens: Mapping[str, bytes],
    span: tuple[int, int],
    effort: Effort,
) -> list[Found]:
    segment = entry.segment
    assert segment is not None  # noqa: S101 - asked before
    rows = _index_rows(storage, segment.index, tokens, span, effort)
    if rows.is_empty():
        return []
    places = rows.get_column("place").unique().sort().to_list()
    groups = sorted({place // FRAMES_A_GROUP for place in places})
    with storage.open(segment.data) as file, pq.ParquetFile(file) as data:
        table = data.read_row_groups(groups)
    effort.data_groups += len(groups)
    held = [group * FRAMES_A_GROUP + n for group in groups for n in range(FRAMES_A_GROUP)]
    frames = dict(zip(held, table.to_pylist(), strict=False))
    return [
        Found(
            key_id=mine.item(0, "key_id"),
            head=frames[place]["header"],
            encapsulated=frames[place]["encapsulated"],
            frame=frames[place]["frame"],
            ciphertext=frames[place]["ciphertext"],
            rows=mine,
        )
        for place in places
        if not (mine := rows.filter(place=place)).is_empty()
    ]


def _index_rows(
    storage: Storage,
    name: str,
    tokens: Mapping[str, bytes],
    span: tuple[int, int],
    effort: Effort,
) -> pl.DataFrame:
    """Read the index's row groups whose tokens and hours can match, and keep what does."""
    with storage.open(name) as file, pq.ParquetFile(file) as index:
        metadata = index.metadata
        effort.segments += 1
        effort.index_groups_held += metadata.num_row_groups
        groups = [
            number
            for number in range(metadata.num_row_groups)
            if _overlaps(metadata.row_group(number), tokens, span)
        ]
        effort.index_groups += len(groups)
        rows = pl.from_arrow(index.read_row_groups(groups))
    assert isinstance(rows, pl.DataFrame)  # noqa: S101 - a table is no series
    wanted = pl.any_horizontal(
        (pl.col("key_id") == key_id) & (pl.col("token") == token)
        for key_id, token in tokens.items()
    )
    return rows.filter(wanted, pl.col("hour").is_between(*span))


def _overlaps(
    group: pq.RowGroupMetaData, tokens: Mapping[str, bytes], span: tuple[int, int]
) -> bool:
    token, hour = (group.column(number).statistics for number in (0, 1))
    if not token.has_min_max:  # records without an address
        return False
    return any(token.min <= wanted <= token.max for wanted in tokens.values()) and (
        not hour.has_min_max or (hour.min <= span[1] and span[0] <= hour.max)
    )
