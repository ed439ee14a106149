"""Which file is which: a file is known by its content up to where it was left, not by its name.

Rotation renames files, copies them and cuts the original short, packs them, and gives old inodes
to new files. So a point holds digests of the first and of the last kilobyte that were shipped, and
a file goes on from it if it has the same bytes there. Among files that do, the inode decides;
then a file of the same set, in the same folder; then one of that name elsewhere, unless the file
that the point was made of is still in its place: then they are two that begin alike.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pipeline.shipping import inputs
from pipeline.shipping.chunks import Chunk, Cut, cutter, in_force
from pipeline.shipping.inputs import Entry, Opened
from pipeline.shipping.resume import UNKNOWN, Pending, Point, Points

KNOWN_BYTES: Final = 1024
"""So many bytes at the start and before the offset tell a file."""

_BLOCK: Final = 1 << 20
_LONGEST_DIRECTIVE: Final = 4096


def digest(data: bytes) -> str:
    """Return a digest of some bytes."""
    return hashlib.sha256(data).hexdigest()


@dataclass(slots=True, repr=False)
class Track:
    """What is remembered of the bytes that have gone by: their ends, and the directive in force."""

    head: bytes = b""
    tail: bytes = b""
    fields: bytes | None = None
    _line: bytes = b""

    def feed(self, data: bytes, *, watch: bool) -> None:
        """Take note of more bytes; ``watch`` looks for directives among them."""
        if len(self.head) < KNOWN_BYTES:
            self.head = (self.head + data[:KNOWN_BYTES])[:KNOWN_BYTES]
        self.tail = (self.tail + data[-KNOWN_BYTES:])[-KNOWN_BYTES:]
        if watch:
            whole = self._line + data
            end = whole.rfind(b"\n") + 1
            self.fields = in_force(whole[:end], self.fields)
            self._line = whole[end:][:_LONGEST_DIRECTIVE]

    def moved(self, point: Point, offset: int, lines: int, ingest: str) -> Point:
        """Return a point that stands behind the bytes that have gone by."""
        return replace(
            point, head_bytes=len(self.head), head=digest(self.head), tail=digest(self.tail),
            offset=offset, lines=lines, ingest=ingest, stamp="",
        )  # fmt: skip


@dataclass(slots=True, repr=False)
class Resumed:
    """An open entry, read up to ``point``; ``pending`` follow there, with their chunks.

    ``over`` says that there is nothing new, or nothing yet.
    """

    entry: Entry
    opening: AbstractContextManager[Opened]
    opened: Opened
    point: Point
    track: Track
    start: bytes
    alone: bool
    pending: list[tuple[Pending, Chunk]] = field(default_factory=list)
    over: bool = False

    @property
    def cut(self) -> Cut:
        """What makes chunks of its bytes."""
        return cutter(self.start, alone=self.alone)

    def close(self) -> None:
        """Close the file."""
        self.opening.__exit__(None, None, None)


def resume(
    entry: Entry, points: Points | None, *, alone: bool = False, watch: bool = False
) -> Resumed:
    """Open an entry where it was left, at its start where it is new; raises InputError.

    ``alone`` and ``watch``: lines go one by one, directives are looked for.
    """
    opening = inputs.opened(entry)
    opened = opening.__enter__()
    with _closing_on_error(opening):
        if points is None or opened.size is None:
            start = _piped(opened) if opened.size is None else _up_to(opened, entry, KNOWN_BYTES)
            return _at_start(entry, opening, opened, Point(), start, alone=alone)
        if opened.packed is not None and (seen := points.finished(opened.stamp)) is not None:
            return Resumed(entry, opening, opened, seen, Track(), b"", alone, over=True)
        start = _up_to(opened, entry, KNOWN_BYTES)
        for point in points.candidates(entry.folder, entry.base, opened.device, opened.inode):
            if not _eligible(point, entry, opened, start):
                continue
            if not _same_inode(point, opened) and _is_being_copied(entry, opened):
                break
            found = _verified(entry, point, points, start, alone=alone, watch=watch)
            if found is not None:
                opening.__exit__(None, None, None)
                return found
        if _is_being_copied(entry, opened):
            return Resumed(entry, opening, opened, Point(), Track(), start, alone, over=True)
        point = points.new(Point(folder=entry.folder, base=entry.base, path=entry.path,
                                 device=opened.device, inode=opened.inode))  # fmt: skip
        return _at_start(entry, opening, opened, point, start, alone=alone)


def _at_start(
    entry: Entry,
    opening: AbstractContextManager[Opened],
    opened: Opened,
    point: Point,
    start: bytes,
    *,
    alone: bool,
) -> Resumed:
    """Return the entry from its first byte; what cannot be wound back is opened again."""
    if opened.seekable:
        opened.stream.seek(0)
    elif opened.size is not None:
        opening.__exit__(None, None, None)
        opening = inputs.opened(entry)
        opened = opening.__enter__()
    return Resumed(entry, opening, opened, point, Track(), start, alone)


def _piped(opened: Opened) -> bytes:
    """Return the first bytes of a pipe, and leave them there."""
    return opened.stream.peek(1) if isinstance(opened.stream, io.BufferedReader) else b""


def _same_inode(point: Point, opened: Opened) -> bool:
    return opened.inode != 0 and (point.device, point.inode) == (opened.device, opened.inode)


def _eligible(point: Point, entry: Entry, opened: Opened, start: bytes) -> bool:
    """Tell whether a point may be the entry's, by what costs nothing."""
    older = not point.tail and point.offset > 0  # of an older version, which kept less
    if not older and point.offset and digest(start[: point.head_bytes]) != point.head:
        return False
    if _same_inode(point, opened) or point.folder == entry.folder:
        return True
    return not _still_there(point)


def _still_there(point: Point) -> bool:
    """Tell whether the file that a point was made of is in its place."""
    try:
        status = Path(point.path).stat()
    except (OSError, ValueError):
        return False
    return (status.st_dev, status.st_ino) == (point.device, point.inode)


def _verified(
    entry: Entry, point: Point, points: Points, start: bytes, *, alone: bool, watch: bool
) -> Resumed | None:
    """Open the entry at a point, None where the bytes before it are others."""
    waiting = points.pending(point.number)
    if not point.offset and not waiting:
        return None
    opening = inputs.opened(entry)
    opened = opening.__enter__()
    with _closing_on_error(opening):
        track = _advance(opened, entry, point, watch=watch)
        if track is not None:
            placed = _placed(point, entry, opened)
            found = Resumed(entry, opening, opened, placed, track, start, alone)
            if _take(found, waiting, watch=watch):
                return found
            if point.offset and all(one.state != UNKNOWN for one in waiting):
                # What was on its way is not in the file any more, and no more can be said of it.
                points.note(arrived=waiting)
                opening.__exit__(None, None, None)
                return _verified(entry, point, points, start, alone=alone, watch=watch)
    opening.__exit__(None, None, None)
    return None


def _placed(point: Point, entry: Entry, opened: Opened) -> Point:
    return replace(point, folder=entry.folder, base=entry.base, path=entry.path,
                   device=opened.device, inode=opened.inode)  # fmt: skip


def _advance(opened: Opened, entry: Entry, point: Point, *, watch: bool) -> Track | None:
    """Read up to a point; return what went by, None where it is not what the point says."""
    track = Track()
    older = not point.tail and point.offset > 0
    if older and digest(_stored_start(entry, point.head_bytes)) != point.head:
        return None
    left = point.offset
    if opened.seekable and not watch and left > 2 * KNOWN_BYTES:
        track.feed(_up_to(opened, entry, KNOWN_BYTES), watch=False)
        opened.stream.seek(left - KNOWN_BYTES)
        left = KNOWN_BYTES
    while left:
        block = inputs.read(opened, entry.name, min(left, _BLOCK))
        if not block:
            return None
        track.feed(block, watch=watch)
        left -= len(block)
    known = older or not point.offset
    if not known and (digest(track.head), digest(track.tail)) != (point.head, point.tail):
        return None
    return track


def _stored_start(entry: Entry, size: int) -> bytes:
    """Return the first stored bytes of a file: all that an older version went by."""
    with open(entry.path, "rb") as stored:  # noqa: PTH123
        return stored.read(size)


def _up_to(opened: Opened, entry: Entry, size: int) -> bytes:
    """Return the next ``size`` bytes; fewer at the end."""
    data = b""
    while len(data) < size and (block := inputs.read(opened, entry.name, size - len(data))):
        data += block
    return data


def _take(found: Resumed, waiting: list[Pending], *, watch: bool) -> bool:
    """Read what may have arrived, as chunks; return False where the bytes are others."""
    at = found.point.offset
    for one in waiting:
        # An end of line that came after its line is passed over.
        found.track.feed(_up_to(found.opened, found.entry, one.start - at), watch=watch)
        at = one.end
        data = _up_to(found.opened, found.entry, one.end - one.start)
        if len(data) != one.end - one.start or digest(data) != one.digest:
            return False
        value, used, _ = cutter(found.start, alone=bool(one.alone))(data, final=True)
        source = None if value == data else data
        if used != len(data):
            return False
        chunk = Chunk(value, one.first, one.lines, one.end, found.track.fields, source)
        found.track.feed(data, watch=watch)
        found.pending.append((one, chunk))
    return True


def _is_being_copied(entry: Entry, opened: Opened) -> bool:
    """Tell whether all of a file stands at the start of its set's current one too.

    Then it is the copy of a rotation that will cut the original short (copytruncate). What is in
    it is shipped from the original; once that has been cut, the copy has its place.
    """
    original = Path(entry.folder, entry.base)
    if not entry.local or not opened.seekable or str(original) == entry.path:
        return False
    try:
        with original.open("rb") as other:
            status = os.fstat(other.fileno())
            size = os.fstat(opened.stored.fileno()).st_size
            if status.st_ino == opened.inode or status.st_size < size:
                return False
            for at in (0, max(0, size - KNOWN_BYTES)):
                length = min(KNOWN_BYTES, size - at)
                ours = os.pread(opened.stored.fileno(), length, at)
                if os.pread(other.fileno(), length, at) != ours:
                    return False
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _closing_on_error(opening: AbstractContextManager[Opened]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        opening.__exit__(None, None, None)
        raise
