"""Reads the compressed blocks of ClickHouse's data parts, without ClickHouse.

A block is a checksum (16 bytes), a method (1), its compressed size with these nine bytes (4), its
size (4) and the payload: ``CompressedReadBufferBase.cpp`` and ``CompressionInfo.h`` of ClickHouse.
Files ending in .bin, .cidx, .cmrk2 and .idx2 are rows of such blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import lz4.block  # type: ignore[import-untyped]
import numpy as np
import zstandard

from pipeline.demo.frames import LARGEST, Part

_CHECKSUM: Final = 16
_HEADER: Final = struct.Struct("<BII")
_NONE, _LZ4, _ZSTD, _MULTIPLE, _DELTA = 0x02, 0x82, 0x90, 0x91, 0x92
_METHODS: Final = frozenset(range(0x90, 0x9D)) | {_NONE, _LZ4}


class _UnknownError(Exception):
    """A codec that is not understood here."""


def blocks(data: bytes) -> Iterator[Part]:
    """Yield the decompressed blocks of ``data``, or nothing where it is no row of blocks.

    A part that is not ``whole`` stands for a block whose codec is not known here.
    """
    spans = _spans(data)
    if spans is None:
        return
    for start, end in spans:
        try:
            yield Part("clickhouse block", _unpack(data[start + _CHECKSUM : end]), start, end)
        except (_UnknownError, ValueError, RuntimeError, struct.error, zstandard.ZstdError):
            yield Part("clickhouse block", b"", start, end, whole=False)


def _spans(data: bytes) -> list[tuple[int, int]] | None:
    """Return where each block begins and ends; None unless they fill ``data`` exactly."""
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(data):
        if at + _CHECKSUM + _HEADER.size > len(data):
            return None
        method, packed, size = _HEADER.unpack_from(data, at + _CHECKSUM)
        end = at + _CHECKSUM + packed
        if method not in _METHODS or packed < _HEADER.size or end > len(data) or size > LARGEST:
            return None
        spans.append((at, end))
        at = end
    return spans or None


def _unpack(block: bytes) -> bytes:
    """Return what a block (header and payload) holds; codecs can be stacked."""
    method, packed, size = _HEADER.unpack_from(block)
    payload = block[_HEADER.size : packed]
    match method:
        case 0x02:
            return payload
        case 0x82:
            return bytes(lz4.block.decompress(payload, uncompressed_size=size))
        case 0x90:
            return zstandard.ZstdDecompressor().decompress(payload, max_output_size=size)
        case 0x91:
            # First the codecs' number and names, then the block that the last of them wrote.
            inner = payload[1 + payload[0] :]
            for _ in range(payload[0]):
                inner = _unpack(inner)
            return inner
        case 0x92:
            return _undelta(payload)
        case _:
            raise _UnknownError


def _undelta(payload: bytes) -> bytes:
    """Undo CompressionCodecDelta: width, bytes kept as they are, then differences."""
    width, kept = payload[0], payload[1]
    differences = np.frombuffer(payload[2 + kept :], dtype=f"<u{width}")
    restored = np.cumsum(differences, dtype=differences.dtype)
    return payload[2 : 2 + kept] + restored.tobytes()
