"""Opens what a person names: plain, gz, bz2 and zst files, and standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import zstandard

from pipeline.errors import InputError
from pipeline.shipping.zst import Frames

STDIN: Final = "-"
_PEEK: Final = 64 * 1024
_BINARY_SHARE: Final = 0.1
_MAGIC: Final = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zst"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream of decompressed bytes. ``size`` and ``position`` count stored (raw) bytes."""

    stream: IO[bytes]
    stored: IO[bytes]
    size: int | None
    packed: str | None

    def position(self) -> int:
        """Return how many stored bytes have been read, for a progress bar."""
        return self.stored.tell() if self.size is not None else 0


@contextmanager
def opened(name: str) -> Iterator[Opened]:
    """Open a file by name, ``-`` for standard input; raises InputError with what to do."""
    if name == STDIN:
        waiting()
        yield Opened(sys.stdin.buffer, sys.stdin.buffer, None, None)
        return
    path = Path(name)
    if path.is_dir():
        raise InputError(
            f"{name} is a directory: name the files in it, such as {name.rstrip('/')}/*"
        )
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{name} is no regular file: pipe it in, and name - for it")
        with path.open("rb") as stored:
            head = stored.read(4)
            stored.seek(0)
            packed = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
            size = path.stat().st_size
            if size == 0:
                raise InputError(f"{name} is empty: nothing to read")
            stream = _unpacked(stored, packed)
            yield Opened(stream, stored, size, packed)
    except FileNotFoundError:
        raise InputError(f"{name} does not exist: check the path") from None
    except PermissionError:
        raise InputError(f"{name} may not be read by this user: check its permissions") from None


def waiting() -> bytes:
    """Return the first bytes of standard input and leave them there; raises InputError.

    Waits for the first ones. There are as many as have come, 8 KiB at most.
    """
    source = sys.stdin.buffer
    start = source.peek() if isinstance(source, io.BufferedReader) else b""
    if not start:
        raise InputError("standard input is empty: nothing to read")
    if any(start.startswith(magic) for magic in _MAGIC):
        raise InputError("standard input is packed: unpack it on the way, with zcat for instance")
    return start


def _unpacked(stored: IO[bytes], packed: str | None) -> IO[bytes]:
    if packed == "gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=stored), 1 << 20)
    if packed == "bz2":
        return io.BufferedReader(bz2.BZ2File(stored), 1 << 20)
    if packed == "zst":
        return io.BufferedReader(Frames(stored), 1 << 20)
    return stored


def read(opened_file: Opened, name: str, size: int) -> bytes:
    """Read up to ``size`` bytes; damage of the packing raises InputError."""
    try:
        return opened_file.stream.read(size)
    except (EOFError, OSError, zlib.error, zstandard.ZstdError):
        raise InputError(f"{name} is damaged or cut short: unpack or fetch it again") from None


def head(name: str) -> list[bytes]:
    """Return the first lines of a file (64 KiB at most) or of what waits on standard input.

    Raises InputError where there is none, and for binary ones.
    """
    if name == STDIN:
        start = waiting()
    else:
        with opened(name) as file:
            start = read(file, name, _PEEK)
    check_text(name, start)
    lines = start.split(b"\n")
    return lines[:-1] if len(lines) > 1 else lines


def check_text(name: str, start: bytes) -> None:
    """Raise InputError where the first bytes are not those of a text."""
    name = "standard input" if name == STDIN else name
    odd = sum(start.count(bytes([code])) for code in (*range(9), *range(14, 32)) if code != 27)  # noqa: PLR2004
    if start and odd > _BINARY_SHARE * len(start):
        raise InputError(f"{name} is a binary file, not a log: name a text file, gz, bz2 or zst")
