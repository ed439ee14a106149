"""The ZIP around a bundle, written so that there is one way only to write it.

ZIP leaves much open: comments, extra fields, gaps, flags, two places for each name. None of it is
used here. Given its members' names, sizes and checksums, every byte that is not a member's own is
known beforehand, so a reader makes these bytes a second time and compares. That is why this is not
left to ``zipfile``: it takes no data that is compressed already, whose digest the manifest signs.
Any ZIP tool reads what comes out. Numbers are little-endian; source: PKWARE APPNOTE.TXT 6.3.10,
sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = (1 << 32) - 1
"""What a size or place may be at most: there is no ZIP64 here."""
STORED: Final = 0
DEFLATED: Final = 8

LOCAL_MAGIC: Final = b"PK\x03\x04"
CENTRAL_MAGIC: Final = b"PK\x01\x02"
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_VERSION: Final = 20
"""2.0: what it takes to read deflate."""
_UNIX: Final = 3 << 8
_MODE: Final = 0o100600 << 16
"""A plain file that its owner alone may read."""
_FIRST_DAY: Final = 1 << 5 | 1
"""1980-01-01, the first day that a ZIP can say: the real time is in the manifest, in UTC."""

_LOCAL_FIELDS: Final = (
    "signature",
    "version",
    "flags",
    "method",
    "time",
    "date",
    "checksum",
    "packed size",
    "size",
    "length of the name",
    "length of extra fields",
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive: its name, how it is packed, CRC-32, and its sizes in bytes."""

    name: str
    method: int
    crc: int
    packed: int
    bytes: int


def local_header(member: Member) -> bytes:
    """Return what stands before a member's data."""
    name = member.name.encode("ascii")
    return (
        _LOCAL.pack(
            LOCAL_MAGIC,
            _VERSION,
            0,
            member.method,
            0,
            _FIRST_DAY,
            member.crc,
            member.packed,
            member.bytes,
            len(name),
            0,
        )
        + name
    )


def header_bytes(name: str) -> int:
    """Return how many bytes the header of a member takes."""
    return _LOCAL.size + len(name)


def stated(header: bytes) -> tuple[int, int]:
    """Return the checksum and packed size that a local header states; zeros where it is cut."""
    if len(header) < _LOCAL.size:
        return 0, 0
    fields = _LOCAL.unpack_from(header)
    return fields[6], fields[7]


def differing(found: bytes, expected: bytes) -> str:
    """Name the fields in which a local header is not as it must be."""
    if len(found) < len(expected):
        return "it is cut"
    pairs = zip(_LOCAL_FIELDS, _LOCAL.unpack_from(found), _LOCAL.unpack_from(expected), strict=True)
    names = [name for name, here, there in pairs if here != there]
    if found[_LOCAL.size :] != expected[_LOCAL.size :]:
        names.append("name")
    return ", ".join(names)


def end(members: Sequence[Member]) -> list[bytes]:
    """Return what stands behind the last member: an entry each, then the end record."""
    entries = []
    place = 0
    for member in members:
        name = member.name.encode("ascii")
        entries.append(
            _CENTRAL.pack(
                CENTRAL_MAGIC,
                _UNIX | _VERSION,
                _VERSION,
                0,
                member.method,
                0,
                _FIRST_DAY,
                member.crc,
                member.packed,
                member.bytes,
                len(name),
                0,
                0,
                0,
                0,
                _MODE,
                place,
            )
            + name
        )
        place += header_bytes(member.name) + member.packed
    size = sum(map(len, entries))
    record = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), size, place, 0)
    return [*entries, record]


def names_in(directory: bytes) -> list[str]:
    """Return the names in whatever directory stands in these bytes, for a finding's text.

    Anything may stand there; what is no entry is passed over, and long names are cut.
    """
    names = []
    place = directory.find(CENTRAL_MAGIC)
    while place >= 0:
        entry = directory[place : place + _CENTRAL.size]
        if len(entry) == _CENTRAL.size:
            length = min(_CENTRAL.unpack(entry)[10], 100)
            start = place + _CENTRAL.size
            names.append(directory[start : start + length].decode("ascii", "backslashreplace"))
        place = directory.find(CENTRAL_MAGIC, place + 4)
    return names
