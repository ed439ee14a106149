"""A segment's filter: tells in one small read that a segment has no record of a token.

The split block Bloom filter of Parquet (https://parquet.apache.org/docs/file-format/bloomfilter/)
in a file of its own, since within a Parquet file it could be found only by way of the footer, which
takes more to read than all else. A token is evenly distributed as it is and serves as its own hash.
Each block has a checksum, so that a bit lost on a disk does not hide a record.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.errors import IntegrityError

MAGIC: Final = b"PWBLOOM1"
BITS_A_TOKEN: Final = 16
"""One token in some 1,000 that is not there passes for one that may be."""

_HEAD: Final = struct.Struct("<8sII")
_BLOCK: Final = struct.Struct("<32sI")
_WORDS: Final = 8
_BLOCK_BITS: Final = 32 * _WORDS
_SALTS: Final = np.array(
    [
        0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947,
        0x5C6BFB31,
    ],
    np.uint32,
)  # fmt: skip


def encode(tokens: pl.Series) -> bytes:
    """Return the filter of these tokens (Binary of 16 bytes, none null)."""
    distinct = tokens.unique()
    blocks = max(1, -(-len(distinct) * BITS_A_TOKEN // _BLOCK_BITS))
    words = np.zeros((blocks, _WORDS), np.uint32)
    place, mask = _places(b"".join(distinct.to_list()), blocks)
    np.bitwise_or.at(words, place, mask)
    head = _HEAD.pack(MAGIC, blocks, zlib.crc32(blocks.to_bytes(4, "little")))
    held = words.astype("<u4").tobytes()
    each = (held[at : at + _BLOCK_BITS // 8] for at in range(0, len(held), _BLOCK_BITS // 8))
    return head + b"".join(_BLOCK.pack(b, _checksum(n, b)) for n, b in enumerate(each))


def may_hold(file: BinaryIO, tokens: Collection[bytes]) -> bool:
    """Tell whether any of the tokens may be in the segment; reads no more blocks than that takes.

    Raises IntegrityError where what is read is damaged.
    """
    magic, blocks, checksum = _HEAD.unpack(_exactly(file, _HEAD.size))
    if magic != MAGIC or checksum != zlib.crc32(blocks.to_bytes(4, "little")):
        raise IntegrityError("filter of a segment is damaged")
    places, masks = _places(b"".join(tokens), blocks)
    for place, mask in sorted(zip(places.tolist(), masks.tolist(), strict=True)):
        file.seek(_HEAD.size + place * _BLOCK.size)
        block, checksum = _BLOCK.unpack(_exactly(file, _BLOCK.size))
        if checksum != _checksum(place, block):
            raise IntegrityError("filter of a segment is damaged")
        words = struct.unpack("<8I", block)
        if all(word & bit for word, bit in zip(words, mask, strict=True)):
            return True
    return False


def _places(tokens: bytes, blocks: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """Return the block of each token (of 16 bytes, end to end), and its bit in each word of it."""
    halves = np.frombuffer(tokens, "<u4").reshape(-1, 4)
    place = (halves[:, 1].astype(np.uint64) * np.uint64(blocks)) >> np.uint64(32)
    with np.errstate(over="ignore"):
        bit = (halves[:, :1].astype(np.uint32) * _SALTS) >> np.uint32(27)
    return place.astype(np.int64), np.uint32(1) << bit


def _checksum(place: int, block: bytes) -> int:
    return zlib.crc32(block, zlib.crc32(place.to_bytes(4, "little")))


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise IntegrityError("filter of a segment is cut")
    return data
