"""The envelope both sides of the vault know: its layout, its checks, and no key.

A message on ``vault.sealed`` is a prologue, a canonical JSON header, a public index (one row per
record), the content key encapsulated to the public key of the day (HPKE, RFC 9180), and frames of
ciphertext. Everything is bound to the header's SHA-256: the HPKE ``info`` and the additional data
of each frame hold it, and it holds the index's. docs/vault-format.md gives every byte.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass, field
from typing import Final

import polars as pl
import pyarrow as pa

from pipeline.envelope import ENCAPSULATED_BYTES, HOUR, MAGIC, Header, decode_header, digest_of
from pipeline.errors import IntegrityError
from pipeline.nulls import blanked

_PROLOGUE: Final = struct.Struct("<8sI32s")
_AAD: Final = struct.Struct("<32sII")
TOKEN_BYTES: Final = 16

INDEX: Final[dict[str, pl.DataType]] = {
    "offset": pl.UInt64(),
    "line": pl.UInt32(),
    "site": pl.String(),
    "label": pl.String(),
    "ingest": pl.String(),
    "format": pl.String(),
    "outcome": pl.String(),
    "reason": pl.String(),
    "policy": pl.UInt16(),
    "hour": pl.Int64(),
    "token": pl.Binary(),
}
"""Columns of the public index, a row per record in the order of the frames.

``label`` is the source the shipper named; ``format`` what reads the line when it stands alone (a
format's name, then `` zone=…`` and `` fields=…`` where they are not the format's own); ``hour`` the
start of the record's hour in seconds since 1970 UTC, null where the line has no time; ``token`` the
keyed token of its site, day and client address.
"""

NULLABLE: Final = frozenset({"reason", "hour", "token"})
"""Columns of the index that may have nulls."""

_TEXT: Final = (pa.string(), pa.large_string(), pa.string_view())
_BYTES: Final = (pa.binary(), pa.large_binary(), pa.binary_view())
_ARROW: Final = {
    pl.UInt64(): (pa.uint64(),),
    pl.UInt32(): (pa.uint32(),),
    pl.UInt16(): (pa.uint16(),),
    pl.Int64(): (pa.int64(),),
    pl.String(): _TEXT,
    pl.Binary(): _BYTES,
}
"""How Arrow may write each type of INDEX: the layout of texts and bytes is left to the writer."""

POSITIONED: Final[dict[str, pl.DataType]] = {**INDEX, "frame": pl.UInt32(), "row": pl.UInt32()}
"""Columns of :func:`index_rows`: the index, and where in which frame the record's bytes lie."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed message taken apart; nothing in it has been decrypted.

    ``head`` is the header's bytes as they are bound to the frames, ``digest`` what binds them.
    """

    header: Header
    head: bytes
    digest: bytes
    index: bytes = field(repr=False)
    encapsulated: bytes = field(repr=False)
    frames: tuple[bytes, ...] = field(repr=False)


def nonce(frame: int) -> bytes:
    """Return the 96-bit AES-GCM nonce of a frame: its number, under a key used for one batch."""
    return frame.to_bytes(12, "big")


def frame_aad(digest: bytes, frame: int, frames: int) -> bytes:
    """Return the additional data of frame number ``frame`` of ``frames``."""
    return _AAD.pack(digest, frame, frames)


def encode_index(rows: pl.DataFrame) -> bytes:
    """Return ``rows`` (columns INDEX) as a zstd-compressed Arrow IPC stream."""
    if dict(rows.schema) != INDEX:
        raise IntegrityError(f"columns {sorted(set(rows.columns) ^ set(INDEX))} do not belong")
    sink = io.BytesIO()
    blanked(rows).write_ipc_stream(sink, compression="zstd")
    return sink.getvalue()


def index_rows(sealed: Sealed) -> pl.DataFrame:
    """Return the public index with each record's frame and row (columns POSITIONED)."""
    rows = _read_index(sealed.index)
    if rows.height != sealed.header.records:
        raise IntegrityError(_damaged("index"))
    hours, tokens = rows.get_column("hour"), rows.get_column("token")
    ends = (rows.row(0)[:2], rows.row(-1)[:2])
    if (
        ends != (sealed.header.first, sealed.header.last)
        or spans(rows) != (sealed.header.spans, sealed.header.untimed)
        or not in_order(rows)
        or not (tokens.drop_nulls().bin.size() == TOKEN_BYTES).all()
        or not (hours.drop_nulls() % HOUR == 0).all()
    ):
        raise IntegrityError(_damaged("index"))
    places = [
        pl.select(
            frame=pl.repeat(number, count, dtype=pl.UInt32),
            row=pl.int_range(count, dtype=pl.UInt32),
        )
        for number, (_, count) in enumerate(sealed.header.frames)
    ]
    return rows.hstack(pl.concat(places))


def _read_index(index: bytes) -> pl.DataFrame:
    """Return the index's rows (columns INDEX, nulls in NULLABLE alone); raises IntegrityError.

    Read by pyarrow, which checks every offset: Polars trusts a stream, and one made to hurt ends
    the process.
    """
    try:
        source = pa.BufferReader(index)
        with pa.ipc.open_stream(source) as stream:
            if stream.schema.names != list(INDEX) or not all(
                field.type in _ARROW[dtype]
                for field, dtype in zip(stream.schema, INDEX.values(), strict=True)
            ):
                raise IntegrityError(_damaged("index"))
            table = stream.read_all()
        table.validate(full=True)
        whole = source.tell() == len(index)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise IntegrityError(_damaged("index")) from error
    known = all(table.column(name).null_count == 0 for name in INDEX if name not in NULLABLE)
    if not whole or not known:
        raise IntegrityError(_damaged("index"))
    rows = pl.from_arrow(table)
    assert isinstance(rows, pl.DataFrame)  # noqa: S101 - a table is no series
    return rows


def spans(rows: pl.DataFrame) -> tuple[dict[str, tuple[int, int]], tuple[str, ...]]:
    """Return what a header says of its index: the hours of each site, and sites without a time."""
    hours = rows.group_by("site").agg(
        first=pl.col("hour").min(), last=pl.col("hour").max(), untimed=pl.col("hour").has_nulls()
    )
    found = sorted(hours.iter_rows())
    return (
        {site: (first, last) for site, first, last, _ in found if first is not None},
        tuple(site for site, _, _, untimed in found if untimed),
    )


def in_order(rows: pl.DataFrame) -> bool:
    """Tell whether rows rise strictly by offset and line: no line twice, none out of its place."""
    offset, line = pl.col("offset"), pl.col("line")
    rises = (offset > offset.shift()) | ((offset == offset.shift()) & (line > line.shift()))
    return bool(rows.select(rises.slice(1).all()).item())


def encode(head: bytes, index: bytes, encapsulated: bytes, frames: list[bytes]) -> bytes:
    """Return the message for parts that already match each other."""
    prologue = _PROLOGUE.pack(MAGIC, len(head), digest_of(head))
    return b"".join((prologue, head, index, encapsulated, *frames))


def decode(message: bytes) -> Sealed:
    """Take a message apart and check all that can be checked without a key.

    Raises IntegrityError that names what is damaged: prologue, header, index, or a length that
    shows the message cut or grown. Damage inside a frame shows only to who can open it.
    """
    if len(message) < _PROLOGUE.size:
        raise IntegrityError("sealed message is cut inside its prologue")
    magic, length, digest = _PROLOGUE.unpack_from(message)
    if magic != MAGIC:
        raise IntegrityError("not a sealed message of a version known here")
    head = message[_PROLOGUE.size : _PROLOGUE.size + length]
    if len(head) < length:
        raise IntegrityError("sealed message is cut, or its header is damaged")
    if digest_of(head) != digest:
        raise IntegrityError(_damaged("header"))
    header = decode_header(head)
    start = _PROLOGUE.size + length
    body = header.index_bytes + ENCAPSULATED_BYTES + sum(size for size, _ in header.frames)
    if len(message) != start + body:
        raise IntegrityError("sealed message is cut, or has grown past its end")
    index = message[start : start + header.index_bytes]
    if hashlib.sha256(index).hexdigest() != header.index_sha256:
        raise IntegrityError(_damaged("index"))
    start += header.index_bytes
    encapsulated = message[start : start + ENCAPSULATED_BYTES]
    start += ENCAPSULATED_BYTES
    frames = []
    for size, _ in header.frames:
        frames.append(message[start : start + size])
        start += size
    return Sealed(header, head, digest, index, encapsulated, tuple(frames))


def _damaged(part: str) -> str:
    return f"{part} of a sealed message is damaged"
