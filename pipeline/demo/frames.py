"""Finds compressed frames anywhere within bytes and inflates them.

Formats are told by their magic numbers: gzip (RFC 1952), zlib (RFC 1950), Zstandard (RFC 8878),
LZ4 frames, bzip2, xz, and the framing that Java's snappy puts around its blocks (xerial). What
can be inflated of a damaged or cut frame is kept: half a leak is a leak.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import lz4.frame  # type: ignore[import-untyped]
import pyarrow as pa
import zstandard

_CHUNK: Final = 1 << 16
LARGEST: Final = 1 << 30
"""Bytes that one frame may inflate to; what is beyond is reported as not looked into."""
_WORTH: Final = 16
"""Bytes a broken frame must have given: shorter ones are mistaken magic numbers."""
_XERIAL: Final = b"\x82SNAPPY\x00"


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """Bytes that were inside others: ``end`` is where their frame ended, ``start`` where it began.

    ``whole`` is false where the frame was cut, damaged or too large to be inflated to its end.
    """

    label: str
    data: bytes
    start: int
    end: int
    whole: bool = True


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_MAGIC: Final[tuple[tuple[str, bytes, Callable[[], _Inflater]], ...]] = (
    ("gzip", b"\x1f\x8b\x08", lambda: zlib.decompressobj(31)),
    ("zlib", b"\x78\x01", lambda: zlib.decompressobj(15)),
    ("zlib", b"\x78\x5e", lambda: zlib.decompressobj(15)),
    ("zlib", b"\x78\x9c", lambda: zlib.decompressobj(15)),
    ("zlib", b"\x78\xda", lambda: zlib.decompressobj(15)),
    ("zstd", b"\x28\xb5\x2f\xfd", lambda: zstandard.ZstdDecompressor().decompressobj()),
    ("lz4", b"\x04\x22\x4d\x18", lz4.frame.LZ4FrameDecompressor),
    ("bzip2", b"BZh", bz2.BZ2Decompressor),
    ("xz", b"\xfd7zXZ\x00", lzma.LZMADecompressor),
)
_DAMAGED: Final = (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, RuntimeError, EOFError)


def inflate(data: bytes) -> Iterator[Part]:
    """Yield what every frame in ``data`` holds."""
    for label, magic, make in _MAGIC:
        at = data.find(magic)
        while at >= 0:
            part = _inflate(label, data, at, make())
            if part is not None:
                yield part
            at = data.find(magic, part.end if part is not None and part.whole else at + 1)
    yield from _xerial(data)


def _inflate(label: str, data: bytes, start: int, inflater: _Inflater) -> Part | None:
    """Inflate one frame; None where nothing worth keeping came out."""
    pieces: list[bytes] = []
    size, at = 0, start
    try:
        while not inflater.eof and at < len(data) and size < LARGEST:
            # The first bite is small: most two-byte magic numbers stand there by chance.
            bite = data[at : at + (_CHUNK if at > start else 512)]
            pieces.append(inflater.decompress(bite))
            size += len(pieces[-1])
            at += len(bite)
    except _DAMAGED:
        pass
    if inflater.eof:
        return Part(label, b"".join(pieces), start, at - len(inflater.unused_data or b""))
    return Part(label, b"".join(pieces), start, at, whole=False) if size >= _WORTH else None


def _xerial(data: bytes) -> Iterator[Part]:
    start = data.find(_XERIAL)
    while start >= 0:
        at, pieces = start + 16, []
        while at + 4 <= len(data):
            (size,) = struct.unpack_from(">I", data, at)
            block = snappy(data[at + 4 : at + 4 + size])
            if block is None:
                break
            pieces.append(block)
            at += 4 + size
        yield Part("snappy", b"".join(pieces), start, at)
        start = data.find(_XERIAL, at)


def snappy(block: bytes) -> bytes | None:
    """Return a raw snappy block inflated, or None where it is none.

    The block begins with its inflated size as a varint (snappy's format_description.txt).
    """
    size = shift = 0
    for byte in block[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the varint's last byte
            break
    if not block or size > LARGEST:
        return None
    try:
        return bytes(pa.Codec("snappy").decompress(block, decompressed_size=size))
    except OSError:
        return None
