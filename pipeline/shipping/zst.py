"""Reads zst files frame by frame, so that one that was cut short does not pass for a whole one.

``ZstdDecompressor.stream_reader`` takes the end of the file for the end of the stream wherever it
comes, and half of a log would be reported as all of it.
"""

from __future__ import annotations

import io
from typing import IO, Final

import zstandard

_BLOCK: Final = 16 * 1024
"""Stored bytes decompressed at once: of the most repetitive ones a whole block fits in memory."""


class Frames(io.RawIOBase):
    """The decompressed bytes of all frames in ``stored``, one after the other."""

    def __init__(self, stored: IO[bytes]) -> None:
        """Read from where ``stored`` stands."""
        self._stored = stored
        self._ready = memoryview(b"")
        self._rest = b""
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False

    def readable(self) -> bool:
        """Return True: that is what it is for."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill ``buffer``; raises EOFError where the file ends within a frame."""
        while not self._ready:
            block = self._rest or self._stored.read(_BLOCK)
            if not block:
                if self._begun:
                    raise EOFError
                return 0
            self._ready = memoryview(self._frame.decompress(block))
            self._begun, self._rest = True, b""
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._begun = False
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
