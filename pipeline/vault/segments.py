"""One flush on disk: a data file of sealed frames, and an index file sorted by token.

Row groups are small in both, and the index keeps the least and greatest token of each, so that
looking up an address opens one or two row groups of the index and those of the data that hold the
frames it names. Nothing here can open a frame.
"""

from __future__ import annotations

from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import envelope, sealed

FRAMES_A_GROUP: Final = 4
INDEX_ROWS_A_GROUP: Final = 8_192

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

    def index(self) -> pl.DataFrame:
        """Return the rows of the index file, sorted, columns as in INDEX_SCHEMA."""
        rows = pl.concat(self._index).select(INDEX_SCHEMA.names)
        return rows.sort(SORTED, nulls_last=True)

    def data_file(self) -> bytes:
        """Return the data file."""
        # By Polars: pyarrow would load pandas, to ask whether the lists are something of it.
        frame = pl.DataFrame(self._data, schema=_DATA)
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(DATA_SCHEMA)
        return _parquet(table, FRAMES_A_GROUP, statistics=["frame"], dictionary=["batch", "header"])


def index_file(rows: pl.DataFrame) -> bytes:
    """Return the index file for rows as of :meth:`Segment.index`."""
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(INDEX_SCHEMA)
    words = ["key_id", "partition", "site", "label", "ingest", "format", "outcome", "reason"]
    return _parquet(table, INDEX_ROWS_A_GROUP, statistics=["token", "hour"], dictionary=words)


def _parquet(table: pa.Table, rows: int, *, statistics: list[str], dictionary: list[str]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=rows,
        compression="zstd",
        use_dictionary=dictionary,
        write_statistics=statistics,
        write_page_index=True,
    )
    buffer: bytes = sink.getvalue().to_pybytes()
    return buffer
