"""Opens one input: a file, a member of an archive, an object in a bucket, or standard input.

Whatever is packed is unpacked on the way, and nothing is held as a whole.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TextIO, cast
from weakref import WeakKeyDictionary

from pipeline.errors import InputError
from pipeline.shipping import archive, journal, remote
from pipeline.shipping.rotation import place
from pipeline.shipping.unpack import FAILURES, LONGEST_MAGIC, is_tar, packing, unpacked

STDIN: Final = "-"
PEEK: Final = 512 * 1024
_BINARY_SHARE: Final = 0.1
_PIPED: Final[WeakKeyDictionary[TextIO, tuple[io.BufferedReader, str | None]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that lines come from.

    ``name`` is how a person knows it. ``member`` is its number in the tar at ``path``, -1 where
    it is the file itself. ``folder`` and ``base`` name the rotated set it belongs to, ``age``
    sorts that set, oldest first. ``closed`` says that nobody writes to it any more.
    """

    name: str
    path: str
    folder: str
    base: str
    age: tuple[int, str, int] = (2, "", 0)
    member: int = -1
    closed: bool = False

    @property
    def local(self) -> bool:
        """Whether it is a file of its own on this machine."""
        return self.member < 0 and self.path != STDIN and not remote.is_remote(self.path)


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream of decompressed bytes. ``size`` and ``position`` count stored (raw) bytes.

    ``seekable`` where the stream is the file itself. ``stamp`` is another one whenever the stored
    bytes are, and empty where that cannot be told.
    """

    stream: IO[bytes]
    stored: IO[bytes]
    size: int | None
    packed: str | None
    device: int = 0
    inode: int = 0
    stamp: str = ""

    @property
    def seekable(self) -> bool:
        """Whether any place can be read without reading all before it."""
        return self.stream is self.stored and self.size is not None

    def position(self) -> int:
        """Return how many stored bytes have been read, for a progress bar."""
        return self.stored.tell() if self.size is not None else 0


def entry_of(name: str) -> Entry:
    """Return the entry of a file by its path, or of standard input."""
    if name == STDIN:
        return Entry(STDIN, STDIN, "", STDIN, closed=True)
    folder, _, last = name.rpartition("/")
    spot = place(last)
    if not remote.is_remote(name):
        # Not Path.resolve: a link that is put on another file is not that file's place.
        folder = str(Path(folder or "/" * name.startswith("/") or ".").absolute())
    closed = spot.packed or spot.age[0] == 1 or remote.is_remote(name)
    return Entry(name, name, folder, spot.base, spot.age, closed=closed)


@contextmanager
def opened(entry: Entry | str) -> Iterator[Opened]:
    """Open an entry; raises InputError with what to do."""
    if isinstance(entry, str):
        entry = entry_of(entry)
    if entry.path == STDIN:
        yield _standard_input()
        return
    try:
        with _stored(entry.path) as (stored, size, (device, inode), stamp):
            start = stored.read(LONGEST_MAGIC)
            stored.seek(0)
            if size == 0:
                raise InputError(f"{entry.name} is empty: nothing to read")
            kind = packing(start)
            stream = unpacked(stored, kind)
            if entry.member < 0:
                yield Opened(stream, stored, size, kind, device, inode, stamp)
            else:
                member = archive.member(stream, entry.member, entry.name)
                inner = packing(member.peek(LONGEST_MAGIC)[:LONGEST_MAGIC])
                stream = unpacked(member, inner)
                of_it = f"{stamp}:{entry.member}"
                yield Opened(stream, stored, size, kind or "tar", stamp=of_it)
    except FileNotFoundError:
        raise InputError(f"{entry.name} does not exist: check the path") from None
    except PermissionError:
        raise InputError(
            f"{entry.name} may not be read by this user: check its permissions"
        ) from None


@contextmanager
def _stored(path: str) -> Iterator[tuple[IO[bytes], int, tuple[int, int], str]]:
    """Yield the stored bytes, their number and what tells them from others."""
    if remote.is_remote(path):
        with remote.opened(path) as (stored, size, stamp):
            yield stored, size, (0, 0), stamp
        return
    # Not blocking: a pipe without a writer would hold us up.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (IsADirectoryError, NotADirectoryError, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise InputError(f"{path} cannot be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as stored:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path} is a directory: name it as an input of its own")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is no regular file: pipe it in, and name - for it")
        inode = (status.st_dev, status.st_ino)
        stamp = f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
        yield stored, status.st_size, inode, stamp


def _standard_input() -> Opened:
    stream, kind = _piped()
    return Opened(stream, stream, None, kind)


def _piped() -> tuple[io.BufferedReader, str | None]:
    """Return standard input, unpacked, and how it is packed; raises InputError for an empty one.

    Whoever asks again gets the same stream: what was looked at is still in it.
    """
    known = _PIPED.get(sys.stdin)
    if known is None:
        source = sys.stdin.buffer
        start = source.peek() if isinstance(source, io.BufferedReader) else b""
        if not start:
            raise InputError("standard input is empty: nothing to read")
        kind = packing(start)
        known = _PIPED[sys.stdin] = (cast("io.BufferedReader", unpacked(source, kind)), kind)
    return known


def waiting() -> bytes:
    """Return the first bytes of standard input and leave them there; raises InputError.

    Waits for the first ones. There are as many as have come, or as were packed together.
    """
    try:
        start = _piped()[0].peek()
    except FAILURES:
        raise _damaged(STDIN) from None
    if is_tar(start):
        raise InputError("standard input is a tar: name the file instead, its members are read")
    return start


def read(opened_file: Opened, name: str, size: int) -> bytes:
    """Read up to ``size`` bytes, as they come; damage of the packing raises InputError."""
    stream = opened_file.stream
    try:
        if opened_file.size is None and isinstance(stream, io.BufferedReader):
            return stream.read1(size)  # what a pipe has now: a line must not wait for others
        return stream.read(size)
    except FAILURES:
        raise _damaged(name) from None


def _damaged(name: str) -> InputError:
    shown = "standard input" if name == STDIN else name
    return InputError(f"{shown} is damaged or cut short: unpack or fetch it again")


def head(entry: Entry | str) -> list[bytes]:
    """Return the first lines of an entry (512 KiB at most) or of what waits on standard input.

    Raises InputError where there is none, and for binary ones.
    """
    entry = entry_of(entry) if isinstance(entry, str) else entry
    if entry.path == STDIN:
        return first_lines(STDIN, waiting()[:PEEK])
    with opened(entry) as file:
        return first_lines(entry.name, read(file, entry.name, PEEK))


def first_lines(name: str, start: bytes) -> list[bytes]:
    """Return the lines that a file's first bytes hold; raises InputError for binary ones."""
    if journal.is_export(start):
        start = journal.cut(start, final=False, most=PEEK)[0]
    check_text(name, start)
    lines = start.split(b"\n")
    return lines[:-1] if len(lines) > 1 else lines


def check_text(name: str, start: bytes) -> None:
    """Raise InputError where the first bytes are not those of a text."""
    name = "standard input" if name == STDIN else name
    if not is_text(start):
        raise InputError(
            f"{name} is a binary file, not a log: name a text file, gz, bz2, xz, zst or a tar of "
            "such"
        )


def is_text(start: bytes) -> bool:
    """Tell whether bytes are those of a text: few control characters among them."""
    odd = sum(start.count(bytes([code])) for code in (*range(9), *range(14, 32)) if code != 27)  # noqa: PLR2004
    return odd <= _BINARY_SHARE * len(start)
