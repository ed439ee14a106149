"""Bundles of entries: each behind its length in two bytes, big-endian (C2SP tlog-tiles)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

_LENGTH: Final = struct.Struct(">H")


def pack(entries: Iterable[bytes]) -> bytes:
    """Return entries, each of at most 65,535 bytes, as a bundle."""
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def unpack(data: bytes) -> tuple[list[bytes], int]:
    """Return a bundle's entries, and how many bytes at its end make none."""
    entries: list[bytes] = []
    place = 0
    while place + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, place)
        start, stop = place + _LENGTH.size, place + _LENGTH.size + length
        if stop > len(data):
            break
        entries.append(data[start:stop])
        place = stop
    return entries, len(data) - place
