"""Messages cut, grown, spliced or put together in another order."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from tests.support.vectors.parts import BASE, MAGIC, Case, Plan, digest_of, record

PROLOGUE = 44


def cases() -> Iterator[Case]:
    """Yield messages damaged outside their header and index."""
    yield from _prologue()
    yield from _boundaries()
    yield from _frames()
    yield from _bindings()


def _prologue() -> Iterator[Case]:
    sealed = BASE.sealed()
    for place in range(8):
        magic = bytearray(MAGIC)
        magic[place] ^= 0x20
        comment = f"byte {place} of the first eight changed"
        yield Case(comment, ("Version",), sealed.but(magic=bytes(magic)), "version")
    for version in (0, 1, 3, 255):
        other_magic = MAGIC[:7] + bytes([version])
        message = sealed.but(magic=other_magic, digest=digest_of(sealed.head))
        yield Case(f"version {version}", ("Version",), message, "version")
    length = len(sealed.head)
    for comment, other, error in (
        ("one more", length + 1, "header"),
        ("one less", length - 1, "header"),
        ("none", 0, "header"),
        ("big-endian", int.from_bytes(struct.pack(">I", length), "little"), "length"),
        ("the most there is", 2**32 - 1, "length"),
        ("more than the message", len(sealed.joined()), "length"),
    ):
        message = sealed.but(length=other, digest=digest_of(sealed.head))
        yield Case(f"length of the header: {comment}", ("HeaderLength",), message, error)
    digest = digest_of(sealed.head)
    for comment, wrong in (
        ("zeros", bytes(32)),
        ("its first bit changed", bytes([digest[0] ^ 0x80]) + digest[1:]),
        ("its last bit changed", digest[:31] + bytes([digest[31] ^ 1])),
        ("of another batch", digest_of(replace(BASE, seed="other").sealed().head)),
        ("its bytes in reverse", digest[::-1]),
    ):
        message = sealed.but(digest=wrong)
        yield Case(f"digest: {comment}", ("DigestMismatch",), message, "header")


def _boundaries() -> Iterator[Case]:
    sealed = BASE.sealed()
    message = sealed.joined()
    head = PROLOGUE + len(sealed.head)
    index = head + len(sealed.index)
    key = index + 80
    places = (
        ("nothing is left", 0, "prologue"),
        ("within the first eight bytes", 5, "prologue"),
        ("before the header's length", 8, "prologue"),
        ("before the digest", 12, "prologue"),
        ("within the digest", 30, "prologue"),
        ("a byte before the header", 43, "prologue"),
        ("before the header", PROLOGUE, "length"),
        ("within the header", PROLOGUE + 50, "length"),
        ("a byte before the header's end", head - 1, "length"),
        ("before the index", head, "length"),
        ("within the index", head + 100, "length"),
        ("a byte before the index's end", index - 1, "length"),
        ("before the encapsulated key", index, "length"),
        ("within the share", index + 16, "length"),
        ("behind the share", index + 32, "length"),
        ("before the key's tag", index + 64, "length"),
        ("before the first frame", key, "length"),
        ("within the first frame", key + 10, "length"),
        ("before the first frame's tag", key + len(sealed.frames[0]) - 16, "length"),
        ("before the second frame", key + len(sealed.frames[0]), "length"),
        ("before the last tag", len(message) - 16, "length"),
        ("a byte before the end", len(message) - 1, "length"),
    )
    for comment, place, error in places:
        yield Case(f"cut: {comment}", ("Truncated",), message[:place], error)
    for comment, grown, error in (
        ("a NUL behind", message + b"\x00", "length"),
        ("a line feed behind", message + b"\n", "length"),
        ("the last frame once more", message + sealed.frames[-1], "length"),
        ("the message twice", message * 2, "length"),
        ("a NUL in front", b"\x00" + message, "version"),
        ("a NUL before the index", message[:head] + b"\x00" + message[head:], "length"),
        ("a NUL before the frames", message[:key] + b"\x00" + message[key:], "length"),
        (
            "a byte before the index, the last one gone",
            message[:head] + b"\x00" + message[head:-1],
            "index",
        ),
        (
            "a byte before the key, the last one gone",
            message[:index] + b"\x00" + message[index:-1],
            "key",
        ),
    ):
        yield Case(f"grown: {comment}", ("Grown",), grown, error)


def _frames() -> Iterator[Case]:
    """Frames of equal length, so that nothing but what binds them can tell."""
    plan = Plan([record(n) for n in range(3)], ([b"aa"], [b"bb"], [b"cc"]), seed="frames")
    mine, other = plan.sealed(), replace(plan, seed="others").sealed()
    a, b, c = mine.frames
    two = replace(plan, rows=plan.rows[:2], frames=plan.frames[:2]).sealed()

    def case(comment: str, flag: str, frame: int, *frames: bytes) -> Case:
        return Case(f"frames: {comment}", (flag,), mine.but(frames=frames), "frame", frame)

    yield case("the first two swapped", "FrameOrder", 0, b, a, c)
    yield case("the last two swapped", "FrameOrder", 1, a, c, b)
    yield case("turned by one", "FrameOrder", 0, c, a, b)
    yield case("in reverse", "FrameOrder", 0, c, b, a)
    yield case("the first in the second's place as well", "FrameTwice", 1, a, a, c)
    yield case("the second in the third's place as well", "FrameTwice", 2, a, b, b)
    for n in range(3):
        spliced = [*mine.frames]
        spliced[n] = other.frames[n]
        yield case(f"number {n} of another batch", "FrameSpliced", n, *spliced)
    yield case("all of another batch", "FrameSpliced", 0, *other.frames)
    message = mine.but(frames=(a, b, two.frames[1]))
    yield Case("frames: of a batch of two", ("FrameSpliced",), message, "frame", 2)
    for comment, frames in (
        ("the last dropped", (a, b)),
        ("the first dropped", (b, c)),
        ("none", ()),
        ("one twice", (a, a, b, c)),
        ("one of another batch more", (*mine.frames, other.frames[0])),
    ):
        message = mine.but(frames=frames)
        yield Case(f"frames: {comment}", ("FrameDropped",), message, "length")
    for comment, place, mask in (
        ("first bit of the ciphertext", 0, 0x80),
        ("last bit of the ciphertext", len(b) - 17, 1),
        ("first bit of the tag", len(b) - 16, 0x80),
        ("last bit of the tag", len(b) - 1, 1),
    ):
        changed = bytearray(b)
        changed[place] ^= mask
        yield case(f"{comment} changed", "FrameTag", 1, a, bytes(changed), c)
    yield case("a tag of zeros", "FrameTag", 1, a, b[:-16] + bytes(16), c)
    yield case("a frame of zeros", "FrameTag", 1, a, bytes(len(b)), c)
    yield case("not encrypted", "FrameTag", 2, a, b, b"(\xb5/\xfd" + bytes(len(c) - 4))


def _bindings() -> Iterator[Case]:
    """Sealed by somebody with the content key, but not in the way it is said to be."""
    for comment, change, frame in (
        ("little-endian nonces", {"nonce": lambda n: n.to_bytes(12, "little")}, 1),
        ("nonces that count from one", {"nonce": lambda n: (n + 1).to_bytes(12, "big")}, 0),
        ("nonces that count down", {"nonce": lambda n: (1 - n).to_bytes(12, "big")}, 0),
        ("one nonce for all", {"nonce": lambda _: bytes(12)}, 1),
        ("no additional data", {"aad": lambda *_: b""}, 0),
        ("the digest alone as additional data", {"aad": lambda digest, *_: digest}, 0),
        ("numbers from one", {"aad": lambda d, n, m: d + struct.pack("<II", n + 1, m)}, 0),
        ("a count one more", {"aad": lambda d, n, m: d + struct.pack("<II", n, m + 1)}, 0),
        ("number and count exchanged", {"aad": lambda d, n, m: d + struct.pack("<II", m, n)}, 0),
        ("big-endian numbers", {"aad": lambda d, n, m: d + struct.pack(">II", n, m)}, 0),
        ("numbers of 64 bits", {"aad": lambda d, n, m: d + struct.pack("<QQ", n, m)}, 0),
        (
            "the digest in hex",
            {"aad": lambda d, n, m: d.hex().encode() + struct.pack("<II", n, m)},
            0,
        ),
        ("a digest of zeros", {"aad": lambda _, n, m: bytes(32) + struct.pack("<II", n, m)}, 0),
    ):
        message = replace(BASE, **change).message()
        yield Case(f"bound otherwise: {comment}", ("WrongBinding",), message, "frame", frame)
