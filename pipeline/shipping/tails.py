"""The growing end of a file that is followed, and what tells that it is another file by now."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

from pipeline.shipping.chunks import CHUNK_BYTES, Chunk
from pipeline.shipping.journal import LONGEST_ENTRY
from pipeline.shipping.reading import Parcel, Reading

Key = tuple[int, int]
"""Device and inode."""

_LONGEST_READ: Final = LONGEST_ENTRY + 2 * CHUNK_BYTES


class CutShortError(Exception):
    """The file does not hold any more what was read of it: it was cut (copytruncate)."""


@dataclass(slots=True, repr=False)
class Tail:
    """One open file. It stays open when it is renamed or removed, until it was read to its end."""

    key: Key
    reading: Reading
    lines: int = field(init=False)
    quiet: int = 0
    """Rounds without anything new."""
    _seen: tuple[int, int] = (-1, -1)

    def __post_init__(self) -> None:
        """Begin behind the point and what is pending behind it."""
        found = self.reading.found
        pending = found.pending
        last = pending[-1][0] if pending else None
        self.reading.end = last.end if last else found.point.offset
        self.lines = last.first - 1 + last.lines if last else found.point.lines

    @property
    def packed(self) -> bool:
        """Whether it is read as a stream, and never grows."""
        return not self.reading.found.opened.seekable

    @property
    def point(self) -> int:
        """The number of its point."""
        return self.reading.found.point.number

    def status(self) -> tuple[int, int, int]:
        """Return size, time of change in nanoseconds, and how many names it has."""
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns, status.st_nlink

    def news(self) -> bool:
        """Tell cheaply whether there may be something new."""
        return self.packed or self.status()[:2] != self._seen

    def more(self, *, final: bool) -> Parcel | None:
        """Return the next chunk of whole lines, None where there is none yet.

        ``final``: nobody writes any more, and a last line needs no end. Raises CutShortError, and
        InputError for a packed file that is damaged.
        """
        if self.packed:
            return next(self.reading.parcels, None)
        size, changed, _ = self.status()
        at = self.reading.end
        wanted = CHUNK_BYTES
        while True:
            block = os.pread(self._descriptor, wanted, at)
            # Looked at after reading: what was there before the block was read is still there.
            self._check(size)
            if block.startswith(b"\n") and self._lacks_end():
                # The last line was shipped before it had its end.
                self.reading.found.track.feed(b"\n", watch=self.reading.plan.directives)
                self.reading.end, at, block = at + 1, at + 1, block[1:]
            value, used, count = self.reading.found.cut(block, final=final and len(block) < wanted)
            if used or len(block) < wanted or wanted >= _LONGEST_READ:
                break
            wanted *= 2
        if not count:
            self._seen = (size, changed)
            return None
        source = None if value == block[:used] else block[:used]
        chunk = Chunk(value, self.lines + 1, count, at + used, source=source)
        self.lines += count
        return self.reading.parcel(chunk)

    def close(self) -> None:
        """Close the file."""
        self.reading.close()

    def _check(self, size: int) -> None:
        known = self.reading.found.track.tail
        at = self.reading.end
        if size < at or os.pread(self._descriptor, len(known), at - len(known)) != known:
            raise CutShortError

    def _lacks_end(self) -> bool:
        track = self.reading.found.track
        return bool(track.tail) and not track.tail.endswith(b"\n")

    @property
    def _descriptor(self) -> int:
        return self.reading.found.opened.stored.fileno()
