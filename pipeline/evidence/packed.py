"""Reads parts of a bundle without ever holding one: bounded whatever the file says of itself."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Final, Self

from pipeline.errors import IntegrityError

_CHUNK: Final = 1 << 20


class Source:
    """A file by its descriptor, read at places."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)

    def read(self, place: int, length: int) -> bytes:
        """Return the bytes there, fewer at the end of the file."""
        found = b""
        while len(found) < length:
            data = os.pread(self._descriptor, length - len(found), place + len(found))
            if not data:
                break
            found += data
        return found


class Packed:
    """A deflated file within a source: ``length`` bytes from ``start``, ``most`` when unpacked."""

    def __init__(self, source: Source, start: int, length: int, most: int) -> None:
        self._source = source
        self._start = start
        self._length = length
        self._most = most

    def check(self, packed_sha256: str, sha256: str) -> int:
        """Return the CRC-32 of what is packed, having compared both digests (hex) and the size.

        Raises IntegrityError; what is not packed as it was is not unpacked.
        """
        digest = hashlib.sha256()
        for data in self._parts():
            digest.update(data)
        if digest.hexdigest() != packed_sha256:
            raise IntegrityError("is not the file that the manifest lists")
        digest = hashlib.sha256()
        crc = size = 0
        for data in self.chunks():
            digest.update(data)
            crc = zlib.crc32(data, crc)
            size += len(data)
        if digest.hexdigest() != sha256 or size != self._most:
            raise IntegrityError("does not hold what the manifest lists")
        return crc

    def _parts(self) -> Iterator[bytes]:
        done = 0
        while done < self._length:
            data = self._source.read(self._start + done, min(_CHUNK, self._length - done))
            if not data:
                raise IntegrityError("is cut")
            done += len(data)
            yield data

    def chunks(self) -> Iterator[bytes]:
        """Yield what is packed, at most a megabyte at a time.

        Raises IntegrityError where the packed bytes are damaged, go on behind their end, or hold
        more than ``most`` bytes: nothing is unpacked beyond that.
        """
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        size = 0
        for part in chain(self._parts(), [b""]):  # what is left inside comes out with the last
            rest = part
            while not unpacker.eof:
                try:
                    data = unpacker.decompress(rest, _CHUNK)
                except zlib.error:
                    raise IntegrityError("cannot be unpacked") from None
                rest = unpacker.unconsumed_tail
                size += len(data)
                if size > self._most:
                    raise IntegrityError("unpacks to more than the manifest says")
                if not data:
                    break
                yield data
            if rest or unpacker.unused_data:
                raise IntegrityError("goes on behind its end")
        if not unpacker.eof:
            raise IntegrityError("has no end")


class Reader:
    """Compares what is unpacked with what is expected, piece by piece."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._kept = b""

    def begins(self, expected: bytes) -> bool:
        """Tell whether these bytes come next, and go on behind them."""
        pieces = [self._kept]
        held = len(self._kept)
        while held < len(expected) and (data := next(self._chunks, b"")):
            pieces.append(data)
            held += len(data)
        found = b"".join(pieces)
        self._kept = found[len(expected) :]
        return found.startswith(expected)

    def ended(self) -> bool:
        """Tell whether nothing is left."""
        return not self._kept and not next(self._chunks, b"")
