"""Keys as they lie in the store: AES key wrap (RFC 3394) under a key of 32 bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Test = dict[str, Any]

_DRAW: Final = random.Random("wraps")
KEK: Final = _DRAW.randbytes(32)
_OTHER: Final = _DRAW.randbytes(32)
_DEFAULT: Final = bytes([0xA6]) * 8


def wrap(kek: bytes, plain: bytes, initial: bytes = _DEFAULT, rounds: int = 6) -> bytes:
    """Return the wrap of RFC 3394 section 2.2.1 with any initial value and number of rounds."""
    block = Cipher(algorithms.AES(kek), modes.ECB()).encryptor()  # noqa: S305 - RFC 3394's own
    parts = [plain[at : at + 8] for at in range(0, len(plain), 8)]
    head = initial
    for turn in range(rounds):
        for number, part in enumerate(parts):
            out = block.update(head + part)
            count = turn * len(parts) + number + 1
            head = (int.from_bytes(out[:8], "big") ^ count).to_bytes(8, "big")
            parts[number] = out[8:]
    return head + b"".join(parts)


def tests() -> Iterator[Test]:
    """Yield wrapped keys of 32 bytes, and the published vectors of section 4."""

    def test(comment: str, flag: str, kek: bytes, wrapped: bytes, key: bytes | None) -> Test:
        found = (
            {"key": "", "result": "invalid"}
            if key is None
            else {
                "key": key.hex(),
                "result": "valid",
            }
        )
        return {
            "comment": comment,
            "flags": [flag],
            "kek": kek.hex(),
            "wrapped": wrapped.hex(),
        } | found

    kek, key = bytes(range(32)), bytes.fromhex("00112233445566778899aabbccddeeff")
    for comment, secret, published in (
        ("RFC 3394, 4.3: 128 bits", key, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
        (
            "RFC 3394, 4.6: 256 bits",
            key + bytes(range(16)),
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
        ),
    ):
        yield test(comment, "Published", kek, bytes.fromhex(published), secret)
    for number in range(6):
        secret = random.Random(f"secret {number}").randbytes(32)
        yield test(f"a key of 32 bytes, {number}", "Key", KEK, wrap(KEK, secret), secret)
    for comment, secret in (("zeros", bytes(32)), ("ones", b"\xff" * 32)):
        yield test(f"a key of {comment}", "Key", KEK, wrap(KEK, secret), secret)

    secret = random.Random("secret 0").randbytes(32)
    true = wrap(KEK, secret)
    for place in range(0, 40, 4):
        changed = bytearray(true)
        changed[place] ^= 1 << (place // 4 % 8)
        yield test(f"a bit of byte {place} changed", "Changed", KEK, bytes(changed), None)
    for length in (0, 1, 7, 8, 15, 16, 24, 31, 32, 33, 39):
        yield test(f"cut to {length} bytes", "Truncated", KEK, true[:length], None)
    for comment, wrapped in (
        ("a byte behind", true + b"\x00"),
        ("eight bytes behind", true + bytes(8)),
        ("twice", true * 2),
        ("eight bytes in front", bytes(8) + true),
    ):
        yield test(comment, "Grown", KEK, wrapped, None)
    for comment, initial in (
        ("zeros", bytes(8)),
        ("one bit off", _DEFAULT[:7] + b"\xa7"),
        ("the one of RFC 5649", bytes.fromhex("a65959a600000020")),
        ("ones", b"\xff" * 8),
    ):
        yield test(
            f"an initial value of {comment}", "InitialValue", KEK, wrap(KEK, secret, initial), None
        )
    for comment, wrapped in (
        ("under another key", wrap(_OTHER, secret)),
        ("not wrapped", bytes(8) + secret),
        ("with padding, RFC 5649", keywrap.aes_key_wrap_with_padding(KEK, secret[:31])),
        ("five rounds", wrap(KEK, secret, rounds=5)),
        ("seven rounds", wrap(KEK, secret, rounds=7)),
        ("under the first half of the key", wrap(KEK[:16], secret)),
        ("its halves exchanged", true[:8] + true[24:] + true[8:24]),
        ("two blocks exchanged", true[:8] + true[16:24] + true[8:16] + true[24:]),
        ("in reverse", true[::-1]),
        ("zeros", bytes(40)),
        ("ones", b"\xff" * 40),
        (
            "encrypted with ECB",
            Cipher(algorithms.AES(KEK), modes.ECB())  # noqa: S305 - what it tests
            .encryptor()
            .update(_DEFAULT + bytes(8) + secret),
        ),
    ):
        yield test(comment, "OtherWrap", KEK, wrapped, None)
    yield test("the key in reverse", "OtherKey", KEK[::-1], true, None)
    yield test("another key", "OtherKey", _OTHER, true, None)
    yield test("a bit of the key changed", "OtherKey", KEK[:31] + bytes([KEK[31] ^ 1]), true, None)
