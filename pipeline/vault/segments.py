"""One flush on disk: a data file of sealed frames, an index file sorted by token, and a filter.

The filter tells that a segment has no record of a token. Row groups are small in the other two, and
the index keeps the least and greatest token of each, so that looking up an address opens one or two
row groups of the index and those of the data that hold the frames it names. Nothing here can open a
frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import envelope, sealed
from pipeline.vault import bloom

GROUP_BYTES: Final = 64 * 1024
"""Ciphertext of a row group of the data file, or a frame where one is larger.

A frame is all that a record needs, but each row group takes some 500 bytes of the footer, and where
traffic is thin a segment has thousands of frames of a few records.
"""

DATA_SCHEMA: Final = pa.schema(
    [
        pa.field("batch", pa.string(), nullable=False),
        pa.field("frame", pa.uint32(), nullable=False),
        pa.field("header", pa.binary(), nullable=False),
        pa.field("encapsulated", pa.binary(envelope.ENCAPSULATED_BYTES), nullable=False),
        pa.field("ciphertext", pa.large_binary(), nullable=False),
    ]
)
"""A row per frame, in the order they came; ``header`` as it is bound to the frame."""

_DATA: Final = {
    "batch": pl.String,
    "frame": pl.UInt32,
    "header": pl.Binary,
    "encapsulated": pl.Binary,
    "ciphertext": pl.Binary,
}

INDEX_SCHEMA: Final = pa.schema(
    [
        pa.field("token", pa.binary(sealed.TOKEN_BYTES)),
        pa.field("hour", pa.int64()),
        pa.field("key_id", pa.string(), nullable=False),
        pa.field("place", pa.uint32(), nullable=False),
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("partition", pa.string(), nullable=False),
        pa.field("offset", pa.uint64(), nullable=False),
        pa.field("line", pa.uint32(), nullable=False),
        pa.field("site", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("ingest", pa.string(), nullable=False),
        pa.field("format", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("policy", pa.uint16()),
    ]
)
"""A row per record, by token and hour, records without a token last.

``place`` is the row of the data file that holds the record's frame, ``row`` the record's place
within the frame; ``partition`` the source ``topic:partition`` whose ``offset`` it came from.
"""

VOLUME_SCHEMA: Final = INDEX_SCHEMA.append(pa.field("data", pa.string(), nullable=False))
"""The index of a volume: that of its segments, and ``data``, the file within the chain's folder
that holds the record's frame."""

SORTED: Final = ["token", "hour", "place", "row"]


class Segment:
    """Gathers the fresh records of sealed batches, then gives the bytes of the two files."""

    def __init__(self) -> None:
        self._data: dict[str, list[object]] = {name: [] for name in DATA_SCHEMA.names}
        self._index: list[pl.DataFrame] = []
        self.batches = 0
        self.bytes = 0

    @property
    def frames(self) -> int:
        """How many frames are gathered."""
        return len(self._data["frame"])

    def add(self, batch: sealed.Sealed, rows: pl.DataFrame) -> None:
        """Add the frames of ``batch`` that hold one of ``rows`` (columns sealed.POSITIONED)."""
        if rows.is_empty():
            return
        places = {}
        for number in rows.get_column("frame").unique(maintain_order=True).to_list():
            places[number] = self.frames
            frame = batch.frames[number]
            values = (batch.header.batch, number, batch.head, batch.encapsulated, frame)
            for name, value in zip(DATA_SCHEMA.names, values, strict=True):
                self._data[name].append(value)
            self.bytes += len(frame)
        self._index.append(
            rows.with_columns(
                place=pl.col("frame").replace_strict(places, return_dtype=pl.UInt32),
                key_id=pl.lit(batch.header.key_id),
                partition=pl.lit(batch.header.source),
            ).drop("frame")
        )
        self.batches += 1

    def keep(self, frames: pl.DataFrame, rows: pl.DataFrame) -> None:
        """Take frames of another segment as they are, with the index rows that name them.

        ``frames`` has the columns of the data file and ``place``, where each lay; ``rows`` those of
        INDEX_SCHEMA, and none that names another frame.
        """
        if frames.is_empty():
            return
        places = range(self.frames, self.frames + frames.height)
        for name in DATA_SCHEMA.names:
            self._data[name] += frames.get_column(name).to_list()
        moved = dict(zip(frames.get_column("place").to_list(), places, strict=True))
        self._index.append(
            rows.with_columns(pl.col("place").replace_strict(moved, return_dtype=pl.UInt32))
        )
        self.batches += frames.get_column("batch").n_unique()
        self.bytes += int(frames.get_column("ciphertext").bin.size().sum())

    def index(self) -> pl.DataFrame:
        """Return the rows of the index file, sorted, columns as in INDEX_SCHEMA."""
        rows = pl.concat([part.select(INDEX_SCHEMA.names) for part in self._index])
        return rows.sort(SORTED, nulls_last=True)

    def data_file(self) -> bytes:
        """Return the data file."""
        # By Polars: pyarrow would load pandas, to ask whether the lists are something of it.
        frame = pl.DataFrame(self._data, schema=_DATA)
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(DATA_SCHEMA)
        # What is encrypted does not shrink.
        packed = {"batch": "zstd", "header": "zstd", "ciphertext": "none"}
        return _parquet(self._groups(table), DATA_SCHEMA, compression=packed)

    def _groups(self, table: pa.Table) -> Iterator[pa.Table]:
        """Cut the data file into its row groups."""
        first, size = 0, 0
        for place, number in enumerate(self._data["ciphertext"]):
            assert isinstance(number, bytes)  # noqa: S101 - as added
            size += len(number)
            if size >= GROUP_BYTES:
                yield table.slice(first, place + 1 - first)
                first, size = place + 1, 0
        if first < self.frames:
            yield table.slice(first)


def index_file(rows: pl.DataFrame) -> bytes:
    """Return the index file for rows as of :meth:`Segment.index`."""
    return indexed([rows], rows.height, INDEX_SCHEMA)


def indexed(parts: Iterable[pl.DataFrame], rows: int, schema: pa.Schema) -> bytes:
    """Return the index file for so many rows in all, in their order; ``schema`` has INDEX_SCHEMA.

    A part is held at a time, and what of it is no whole row group yet. Texts may be categories: a
    row group at a time is made of them.
    """
    groups = cut(parts, index_rows_a_group(rows))
    return _parquet(
        (one.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema) for one in groups),
        schema,
        statistics=["token", "hour"],
        dictionary=[one.name for one in schema if one.type == pa.string()],
    )


def cut(parts: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Yield frames of so many rows, the last of fewer."""
    held: pl.DataFrame | None = None
    for part in parts:
        held = part if held is None else pl.concat([held, part])
        whole = held.height - held.height % size
        yield from (held.slice(first, size) for first in range(0, whole, size))
        held = held.slice(whole)
    if held is not None and held.height:
        yield held


def index_rows_a_group(rows: int) -> int:
    """Return the rows of a row group in an index of so many.

    A look-up reads the footer, which grows with the number of groups (some 1,700 bytes each), and
    a group or two (some 27 bytes a row): together they are least near the root of 64 times the
    rows.
    """
    return min(max(math.isqrt(64 * rows), 1_024), 65_536)


def filter_file(rows: pl.DataFrame) -> bytes:
    """Return the filter for rows as of :meth:`Segment.index`."""
    return bloom.encode(rows.get_column("token").drop_nulls())


def footer(file: bytes) -> bytes:
    """Return what a reader of a Parquet file needs first: its metadata, to the end of the file."""
    return file[-8 - int.from_bytes(file[-8:-4], "little") :]


def _parquet(
    groups: Iterable[pa.Table],
    schema: pa.Schema,
    *,
    compression: str | dict[str, str] = "zstd",
    statistics: list[str] | bool = False,
    dictionary: list[str] | bool = False,
) -> bytes:
    """Return a Parquet file of these row groups."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        schema,
        compression=compression,
        use_dictionary=dictionary,
        write_statistics=statistics,
        write_page_checksum=True,
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=group.num_rows)
    buffer: bytes = sink.getvalue().to_pybytes()
    return buffer
