"""Messages whose content key is encapsulated in a way that must not open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.support.vectors import hpke
from tests.support.vectors.parts import BASE, OTHER, PRIVATE, SMALL, Case, info_of

P: Final = 2**255 - 19
_EIGHT: Final = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)

LOW_ORDER: Final = {
    "0": 0, "1": 1, "a point of order 8": _EIGHT[0], "the other point of order 8": _EIGHT[1],
    "p - 1": P - 1, "p": P, "p + 1": P + 1,
    "0 with the highest bit": 2**255, "1 with the highest bit": 2**255 + 1,
    "p - 1 with the highest bit": 2**255 + P - 1, "p with the highest bit": 2**255 + P,
    "p + 1 with the highest bit": 2**255 + P + 1,
    "a point of order 8 with the highest bit": 2**255 + _EIGHT[0],
    "the other point of order 8 with the highest bit": 2**255 + _EIGHT[1],
}  # fmt: skip
"""Coordinates of X25519 with which every secret is zero (RFC 7748, 6.1), in all spellings."""


def cases() -> Iterator[Case]:
    """Yield messages with wrong shares, suites, infos and recipients."""
    for name, number in LOW_ORDER.items():
        share = number.to_bytes(32, "little")
        # Whoever sends it knows the secret without any key, and so makes a tag that fits.
        plan = replace(SMALL, encapsulate={"share": share, "dh": bytes(32)})
        comment = f"share of low order, {name}, with a tag that fits"
        yield Case(comment, ("LowOrderShare",), plan.message(), "key")
    yield from _damaged()
    yield from _otherwise()
    yield from _others()


def _damaged() -> Iterator[Case]:
    sealed = SMALL.sealed()
    whole = sealed.encapsulated
    for comment, place, mask in (
        ("first bit of the share", 0, 0x80), ("last byte of the share", 31, 1),
        ("highest bit of the share", 31, 0x80), ("first bit of the key", 32, 0x80),
        ("last bit of the key", 63, 1), ("first bit of the tag", 64, 0x80),
        ("last bit of the tag", 79, 1),
    ):  # fmt: skip
        changed = bytearray(whole)
        changed[place] ^= mask
        message = sealed.but(encapsulated=bytes(changed))
        yield Case(f"encapsulated: {comment} changed", ("KeyTag",), message, "key")
    for comment, other in (
        ("all zeros", bytes(80)), ("all ones", b"\xff" * 80),
        ("a tag of zeros", whole[:64] + bytes(16)),
        ("its last byte in front", whole[-1:] + whole[:-1]),
        ("key and tag before the share", whole[32:] + whole[:32]),
        ("the recipient's public key as share", hpke.public_of(PRIVATE) + whole[32:]),
        ("the content key itself", whole[:32] + sealed.content_key + bytes(16)),
    ):  # fmt: skip
        yield Case(f"encapsulated: {comment}", ("KeyTag",), sealed.but(encapsulated=other), "key")


def _otherwise() -> Iterator[Case]:
    for comment, info in (
        ("nothing", lambda _: b""),
        ("the digest alone", lambda digest: digest),
        ("the words alone", lambda _: b"partywall sealed batch 2\x00"),
        ("no NUL", lambda digest: b"partywall sealed batch 2" + digest),
        ("version 1", lambda digest: b"partywall sealed batch 1\x00" + digest),
        ("version 3", lambda digest: b"partywall sealed batch 3\x00" + digest),
        ("the digest in hex", lambda digest: info_of(digest.hex().encode())),
        ("the digest hashed again", lambda digest: info_of(hashlib.sha256(digest).digest())),
        ("a digest of zeros", lambda _: info_of(bytes(32))),
        ("a NUL behind", lambda digest: info_of(digest) + b"\x00"),
    ):
        message = replace(SMALL, info=info).message()
        yield Case(f"info: {comment}", ("WrongInfo",), message, "key")
    for comment, how in (
        ("AES-128-GCM", {"suite": hpke.Suite(1, 1)}),
        ("ChaCha20-Poly1305", {"suite": hpke.Suite(1, 3)}),
        ("HKDF-SHA512", {"suite": hpke.Suite(3, 2)}),
        ("mode PSK with a key", {"mode": 1, "psk": b"p" * 32}),
        ("mode PSK without a key", {"mode": 1}),
        ("mode Auth", {"mode": 2}),
        ("additional data", {"aad": b"partywall"}),
    ):
        message = replace(SMALL, encapsulate=how).message()
        yield Case(f"HPKE with {comment}", ("WrongSuite",), message, "key")


def _others() -> Iterator[Case]:
    mine, other = BASE.sealed(), replace(BASE, seed="other").sealed()
    yield Case(
        "the encapsulated key of another batch", ("KeySpliced",),
        mine.but(encapsulated=other.encapsulated), "key",
    )  # fmt: skip
    yield Case(
        "key and frames of another batch", ("KeySpliced",),
        mine.but(encapsulated=other.encapsulated, frames=other.frames), "key",
    )  # fmt: skip
    yield Case(
        "index, key and frames of this batch under the header of another", ("KeySpliced",),
        mine.but(head=other.head), "key",
    )  # fmt: skip
    plan = replace(SMALL, recipient=hpke.public_of(OTHER))
    yield Case("sealed to another day's key", ("OtherDay",), plan.message(), "key")
    yield Case("opened with another day's key", ("OtherDay",), SMALL.message(), "key", key="other")
    comment = "two frames, opened with another day's key"
    yield Case(comment, ("OtherDay",), BASE.message(), "key", key="other")
