"""Takes apart the formats whose compression has no magic number of its own.

Arrow streams, Parquet files, SQLite databases, ClickHouse's compressed blocks and Kafka's
record batches. Numbers come out as bytes and in digits: where it is known that bytes are a number,
one that is an address is found as surely as one in text.
"""

from __future__ import annotations

import io
import re
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.demo.frames import Part, snappy

_ARROW: Final = re.compile(rb"\xff{4}..[\x00-\x0f]\x00", re.DOTALL)
"""Continuation marker and a length of metadata under a megabyte (Arrow's IPC format)."""
_PARQUET: Final = b"PAR1"
_SQLITE: Final = b"SQLite format 3\x00"
_BATCH: Final = struct.Struct(">qiibIh")
"""Base offset, length, leader epoch, magic, checksum, attributes of a Kafka record batch."""
_RECORDS: Final = 61
_SNAPPY: Final = 2


def dissect(data: bytes) -> Iterator[Part]:
    """Yield what the formats in ``data`` hold, decoded."""
    yield from _arrow(data)
    yield from _parquet(data)
    yield from _sqlite(data)
    yield from _kafka(data)


def _arrow(data: bytes) -> Iterator[Part]:
    """Yield the columns of every Arrow stream or file within ``data``."""
    end = 0
    for marker in _ARROW.finditer(data):
        if marker.start() < end:
            continue
        source = pa.BufferReader(memoryview(data)[marker.start() :])
        try:
            stream = pa.ipc.open_stream(source)
        except (pa.ArrowException, OSError):
            continue
        pieces: list[bytes] = []
        whole = True
        try:
            for batch in stream:
                for column in batch.columns:
                    pieces.extend(_buffers(column))
        except (pa.ArrowException, OSError):
            whole = False
        end = marker.start() + source.tell()
        yield Part("arrow", b"\n".join(pieces), marker.start(), end, whole)


def _parquet(data: bytes) -> Iterator[Part]:
    start, end = data.find(_PARQUET), data.rfind(_PARQUET) + len(_PARQUET)
    if start < 0 or end - start < 2 * len(_PARQUET) + 4:
        return
    pieces: list[bytes] = []
    try:
        file = pq.ParquetFile(io.BytesIO(data[start:end]))
        for batch in file.iter_batches():
            for column in batch.columns:
                pieces.extend(_buffers(column))
    except (pa.ArrowException, OSError):
        if not pieces:
            return
    yield Part("parquet", b"\n".join(pieces), start, end)


def _buffers(column: pa.Array) -> Iterator[bytes]:
    """Yield the memory behind a column, what its rows no longer point at included."""
    for buffer in column.buffers():
        if buffer is not None:
            yield buffer.to_pybytes()
    if pa.types.is_dictionary(column.type):
        yield from _buffers(column.dictionary)
    elif layout := _layout(column.type):
        yield _digits(column, layout)


def _layout(kind: pa.DataType) -> str | None:
    """Return numpy's type of a column's numbers; None if they cannot be an address."""
    if kind == pa.binary(4):
        return ">u4"
    if pa.types.is_float64(kind):
        return "<f8"
    if pa.types.is_integer(kind) or pa.types.is_temporal(kind):
        return {32: "<u4", 64: "<u8"}.get(kind.bit_width)
    return None


def _digits(column: pa.Array, layout: str) -> bytes:
    """Return the numbers of up to 32 bits in a column's memory, in digits."""
    memory = column.buffers()[1]
    if memory is None:
        return b""
    kind = np.dtype(layout)
    numbers = np.frombuffer(memory, kind, count=memory.size // kind.itemsize)
    numbers = numbers[(numbers >= 0) & (numbers < 1 << 32)].astype(np.uint32)
    return "\n".join(map(str, numbers.tolist())).encode()


def _sqlite(data: bytes) -> Iterator[Part]:
    """Yield every value of every table; the raw pages hold what was deleted."""
    if not data.startswith(_SQLITE):
        return
    pieces: list[bytes] = []
    # Bytes 18 and 19 ask for a write-ahead log, which a database in memory cannot have.
    image = data[:18] + b"\x01\x01" + data[20:]
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(image)
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (table,) in database.execute(query).fetchall():
                quoted = str(table).replace('"', '""')
                for row in database.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - quoted
                    pieces.extend(_sqlite_value(value) for value in row)
        except sqlite3.Error:
            whole = False
        else:
            whole = True
    yield Part("sqlite", b"\n".join(pieces), 0, len(data), whole)


def _sqlite_value(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case _:
            return str(value).encode()


def _kafka(data: bytes) -> Iterator[Part]:
    """Yield the records of a log segment's batches packed with snappy.

    The other codecs write frames with a magic number, which :mod:`pipeline.demo.frames` finds.
    """
    at = 0
    while at + _RECORDS <= len(data):
        offset, size, _, magic, _, attributes = _BATCH.unpack_from(data, at)
        end = at + 12 + size
        if offset < 0 or magic != 2 or size < _RECORDS - 12 or end > len(data):  # noqa: PLR2004
            return
        records = snappy(data[at + _RECORDS : end]) if attributes & 7 == _SNAPPY else None
        if records is not None:
            yield Part("kafka batch", records, at, end)
        at = end
