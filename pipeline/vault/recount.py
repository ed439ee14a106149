"""Counts a segment's files again and compares them with what its manifest entry says."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import envelope
from pipeline.errors import IntegrityError
from pipeline.vault.building import counts_of as counted
from pipeline.vault.building import held_by
from pipeline.vault.manifest import Entry, SegmentFiles
from pipeline.vault.reading import as_rows
from pipeline.vault.segments import DATA_SCHEMA, INDEX_SCHEMA, filter_file, footer
from pipeline.vault.writer import fresh

UNREADABLE: Final = (
    IntegrityError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    pa.ArrowException,
    pl.exceptions.PolarsError,
)
"""What reading bytes that are no segment's files can raise."""

Sources = Mapping[str, tuple[int, int]]


@dataclass(slots=True)
class _Data:
    """What a data file holds: frames, their batches and bytes, and how far its sources reach."""

    frames: int
    batches: int
    bytes: int
    reached: dict[str, tuple[int, int]]


def differences(entry: Entry, files: Sequence[bytes], known: Sources | None) -> Iterator[str]:
    """Yield how an entry differs from its files (data, index, filter; none where it has none).

    ``known`` is what the entry before says of the sources, None where that is not known.
    """
    if entry.segment is None:
        if entry.counts or entry.held or (known is not None and entry.sources != dict(known)):
            yield "counts records though it names no segment"
        return
    try:
        yield from _differences(entry, entry.segment, files, known)
    except UNREADABLE:
        yield f"{entry.segment.data} and its index are no segment's files"


def _differences(
    entry: Entry, segment: SegmentFiles, files: Sequence[bytes], known: Sources | None
) -> Iterator[str]:
    data_file, index_file, filtering = files
    data = _data(data_file)
    rows = _index(index_file)
    if (data.frames, data.batches, data.bytes) != (segment.frames, segment.batches, segment.bytes):
        yield "does not tell the frames of its data file"
    if rows.height != segment.records or counted(rows) != entry.counts:
        yield "does not tell the records of its index"
    if held_by(rows) != entry.held:
        yield "does not tell the keys, sites and hours of its index"
    if segment.index_footer != len(footer(index_file)):
        yield "does not tell the footer of its index"
    if filter_file(rows) != filtering:
        yield "has the filter of another index"
    if rows["place"].n_unique() != data.frames or rows["place"].max() != data.frames - 1:
        yield "has an index and a data file that do not belong together"
    if known is not None:
        yield from _sources(entry, rows, data, known)


def _sources(entry: Entry, rows: pl.DataFrame, data: _Data, known: Sources) -> Iterator[str]:
    """Compare how far the sources reach with what an entry and the one before it say."""
    for [source], mine in rows.group_by(["partition"]):
        if fresh(mine, known.get(str(source))).height != mine.height:
            yield f"holds records of {source} that an entry before it holds"
    reached = {**known}
    for source, last in data.reached.items():
        reached[source] = max(last, reached.get(source, last))
    if reached != entry.sources:
        yield "does not tell how far its sources reach"


def _index(file: bytes) -> pl.DataFrame:
    table = pq.read_table(io.BytesIO(file), page_checksum_verification=True)
    if table.schema.names != INDEX_SCHEMA.names:
        raise ValueError
    return as_rows(table)


def _data(file: bytes) -> _Data:
    table = pq.read_table(io.BytesIO(file), page_checksum_verification=True)
    if table.schema.names != DATA_SCHEMA.names:
        raise ValueError
    found = _Data(table.num_rows, 0, 0, {})
    heads: dict[bytes, envelope.Header] = {}
    for row in table.select(["batch", "frame", "header", "ciphertext"]).to_pylist():
        head = row["header"]
        header = heads.get(head) or heads.setdefault(head, envelope.decode_header(head))
        size = len(row["ciphertext"])
        if header.batch != row["batch"] or header.frames[row["frame"]][0] != size:
            raise ValueError
        found.bytes += size
        found.reached[header.source] = max(header.last, found.reached.get(header.source, (0, 0)))
    found.batches = len(heads)
    return found
