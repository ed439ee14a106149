"""Streams of decompressed bytes: gz, bz2, xz and zst, told by their first bytes and not by a name.

A stream that was cut short raises: half of a log must not pass for all of it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from typing import IO, Final

import zstandard

from pipeline.shipping.zst import Frames

LONGEST_MAGIC: Final = 6
FAILURES: Final = (
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    tarfile.TarError,
)
"""What reading a damaged stream raises."""

_MAGIC: Final = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
}
_OPEN: Final[dict[str, Callable[[IO[bytes]], io.RawIOBase | io.BufferedIOBase]]] = {
    "gz": lambda stored: gzip.GzipFile(fileobj=stored),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zst": Frames,
}
_BUFFER: Final = 1 << 20
_TAR_MAGIC: Final = slice(257, 262)


def packing(start: bytes) -> str | None:
    """Return how a file is packed that begins with ``start``, None where it is plain."""
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def unpacked(stored: IO[bytes], kind: str | None) -> IO[bytes]:
    """Return the bytes inside; ``stored`` itself where it is plain."""
    if kind is None:
        return stored
    return io.BufferedReader(_OPEN[kind](stored), _BUFFER)


def is_tar(start: bytes) -> bool:
    """Tell whether the first 512 bytes are a tar's header (POSIX or GNU)."""
    return start[_TAR_MAGIC] == b"ustar"
