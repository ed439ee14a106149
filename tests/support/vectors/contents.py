"""Frames that decrypt and hold something else than what the header says."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import zstandard

from tests.support.vectors.parts import BASE, SMALL, Case, body, packed

_LINES: Final = SMALL.frames[0]
_PLAIN: Final = body(_LINES)
_PACK: Final = packed(_PLAIN)
_SKIPPABLE: Final = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"
_MOST: Final = 64 << 20


def cases() -> Iterator[Case]:
    """Yield messages with wrong compression and with counts that lie."""
    yield from _zstd()
    yield from _counts()


def _case(comment: str, flag: str, pack: bytes) -> Case:
    plan = replace(SMALL, packs=(pack,))
    return Case(f"frame: {comment}", (flag,), plan.message(), "content", 0)


def _run(size: int, stated: int | None = None) -> bytes:
    """Return a zstd frame of ``size`` zeros in blocks of four bytes (RFC 8878, RLE_Block)."""
    out = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", size if stated is None else stated)
    block = 1 << 17
    count = -(-size // block)
    for number in range(count):
        here = min(block, size - number * block)
        out += (here << 3 | 1 << 1 | (number == count - 1)).to_bytes(3, "little") + b"\x00"
    return out


def _zstd() -> Iterator[Case]:
    unknown = packed(_PLAIN, write_content_size=False)
    dictionary = zstandard.ZstdCompressionDict(b"GET /cart" * 20)
    keyed = zstandard.ZstdCompressor(dict_data=dictionary).compress(_PLAIN)
    checked = packed(_PLAIN, write_checksum=True)
    magicless = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(
            format=zstandard.FORMAT_ZSTD1_MAGICLESS
        )
    ).compress(_PLAIN)
    for comment, flag, pack in (
        ("a byte behind the zstd frame", "TrailingData", _PACK + b"\x00"),
        ("text behind the zstd frame", "TrailingData", _PACK + b"more"),
        ("the zstd frame twice", "TrailingData", _PACK * 2),
        ("a second, empty zstd frame", "TrailingData", _PACK + packed(b"")),
        ("a skippable frame behind", "TrailingData", _PACK + _SKIPPABLE),
        ("a skippable frame in front", "NotZstd", _SKIPPABLE + _PACK),
        ("a skippable frame alone", "NotZstd", _SKIPPABLE),
        ("two zstd frames with half each", "TrailingData", packed(_PLAIN[:9]) + packed(_PLAIN[9:])),
        ("not compressed", "NotZstd", _PLAIN),
        ("nothing", "NotZstd", b""),
        ("without zstd's first four bytes", "NotZstd", magicless),
        ("zstd's first four bytes changed", "NotZstd", b"\x27" + _PACK[1:]),
        ("cut in its last block", "NotZstd", _PACK[:-1]),
        ("cut behind its header", "NotZstd", _PACK[:6]),
        ("no size in its header", "ContentSize", unknown),
        ("made with a dictionary", "NotZstd", keyed),
        ("a wrong checksum", "NotZstd", checked[:-1] + bytes([checked[-1] ^ 1])),
        ("a size one more than it holds", "ContentSize", _run(8, 9)),
        ("a size one less than it holds", "ContentSize", _run(8, 7)),
        ("a size of 1 TiB that it does not hold", "Bomb", _run(8, 1 << 40)),
        ("the largest size there is", "Bomb", _run(8, 2**64 - 1)),
        ("64 MiB and a byte of zeros", "Bomb", _run(_MOST + 1)),
        ("100 MiB of zeros", "Bomb", _run(100 << 20)),
    ):
        yield _case(comment, flag, pack)


def _counts() -> Iterator[Case]:
    line = _LINES[0]
    size = len(line)
    for comment, plain in (
        ("empty", b""),
        ("three bytes", b"\x01\x00\x00"),
        ("a count without lengths", struct.pack("<I", 1)),
        ("a count of none", struct.pack("<II", 0, size) + line),
        ("a count of two", struct.pack("<III", 2, size, 0) + line),
        ("a count of two, and one length", struct.pack("<II", 2, size) + line),
        ("the largest count", struct.pack("<II", 2**32 - 1, size) + line),
        ("big-endian", struct.pack(">II", 1, size) + line),
        ("numbers of 64 bits", struct.pack("<QQ", 1, size) + line),
        ("numbers of 16 bits", struct.pack("<HH", 1, size) + line),
        ("a length one less", struct.pack("<II", 1, size - 1) + line),
        ("a length one more", struct.pack("<II", 1, size + 1) + line),
        ("the largest length", struct.pack("<II", 1, 2**32 - 1) + line),
        ("a byte behind the line", body([line]) + b"\n"),
        ("a line less than its length", body([line])[:-1]),
        ("the lines alone", line),
        ("two lines for one record", body([line[:4], line[4:]])),
        ("no line for one record", body([])),
    ):
        yield _case(f"counts: {comment}", "CountsLie", packed(plain))
    first, second = BASE.frames
    for comment, bodies, frame in (
        ("the first frame's last line in the second", (body(first[:2]),
         body([first[2], *second])), 0),
        ("a line of the second frame missing", (body(first), body(second[:1])), 1),
        ("a line more in the second frame", (body(first), body([*second, b"x"])), 1),
        ("the second frame says three lines", (body(first), body(second, 3)), 1),
    ):  # fmt: skip
        plan = replace(BASE, packs=[packed(plain) for plain in bodies])
        message = plan.message()
        yield Case(f"frame: counts: {comment}", ("CountsLie",), message, "content", frame)
