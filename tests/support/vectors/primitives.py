"""Cases of the primitives, in the manner of Project Wycheproof: what a library must refuse.

What is published elsewhere (RFC 7748, 8032, 9180, NIST's) is run from ``cryptography_vectors``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.vectors.encapsulations import LOW_ORDER, P

Test = dict[str, Any]
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519's base point (RFC 8032)."""


def _test(comment: str, flag: str, result: str, **values: bytes) -> Test:
    shown = {name: value.hex() for name, value in values.items()}
    return {"comment": comment, "flags": [flag], **shown, "result": result}


def x25519() -> Iterator[Test]:
    """Yield exchanges; where the result is invalid, the secret would be zero."""
    draw = random.Random("x25519")
    for number in range(4):
        ours, theirs = draw.randbytes(32), draw.randbytes(32)
        public = X25519PrivateKey.from_private_bytes(theirs).public_key()
        shared = X25519PrivateKey.from_private_bytes(ours).exchange(public)
        raw = public.public_bytes_raw()
        comment = f"an ordinary exchange, {number}"
        yield _test(comment, "Ordinary", "valid", private=ours, public=raw, shared=shared)
        high = raw[:31] + bytes([raw[31] | 0x80])
        comment = f"the highest bit of the public key is masked, {number}"
        yield _test(comment, "NonCanonical", "valid", private=ours, public=high, shared=shared)
    ours = draw.randbytes(32)
    private = X25519PrivateKey.from_private_bytes(ours)
    for number in (2, 3, 4, 9, 18):
        low = number.to_bytes(32, "little")
        shared = private.exchange(X25519PublicKey.from_public_bytes(low))
        high = (P + number).to_bytes(32, "little")
        comment = f"p + {number} is {number}"
        yield _test(comment, "NonCanonical", "valid", private=ours, public=high, shared=shared)
    for name, number in LOW_ORDER.items():
        public_bytes = number.to_bytes(32, "little")
        for scalar in (ours, draw.randbytes(32)):
            yield _test(
                f"of low order: {name}",
                "LowOrder",
                "invalid",
                private=scalar,
                public=public_bytes,
                shared=bytes(32),
            )
    for length in (0, 31, 33, 64):
        yield _test(
            f"a public key of {length} bytes",
            "WrongLength",
            "invalid",
            private=ours,
            public=b"\x09" * length,
            shared=b"",
        )


def aes_gcm() -> Iterator[Test]:
    """Yield AES-256-GCM with nonces of 12 bytes and tags of 16; ``ct`` ends in the tag."""
    draw = random.Random("aes-gcm")
    for size, added in ((0, 0), (0, 20), (1, 0), (15, 40), (16, 40), (17, 40), (64, 3), (257, 40)):
        key, iv = draw.randbytes(32), draw.randbytes(12)
        msg, aad = draw.randbytes(size), draw.randbytes(added)
        ct = AESGCM(key).encrypt(iv, msg, aad)
        comment = f"{size} bytes, {added} bytes of additional data"
        yield _test(comment, "Ordinary", "valid", key=key, iv=iv, aad=aad, msg=msg, ct=ct)
    key, iv, aad, msg = draw.randbytes(32), draw.randbytes(12), draw.randbytes(40), b"192.0.2.7 GET"
    true = AESGCM(key).encrypt(iv, msg, aad)
    tag = true[-16:]

    def bad(comment: str, flag: str, **other: bytes) -> Test:
        values = {"key": key, "iv": iv, "aad": aad, "msg": b"", "ct": true} | other
        return _test(comment, flag, "invalid", **values)

    for bit in (0, 1, 7, 8, 31, 32, 63, 64, 71, 77, 80, 96, 97, 103, 120, 121, 126, 127):
        changed = (int.from_bytes(tag, "little") ^ 1 << bit).to_bytes(16, "little")
        yield bad(f"bit {bit} of the tag changed", "ModifiedTag", ct=true[:-16] + changed)
    for comment, changed in (
        ("zeros", bytes(16)),
        ("ones", b"\xff" * 16),
        ("all bits changed", bytes(b ^ 0xFF for b in tag)),
        ("first bits changed", bytes(b ^ 0x80 for b in tag)),
        ("last bits changed", bytes(b ^ 1 for b in tag)),
        ("in reverse", tag[::-1]),
    ):
        yield bad(f"tag: {comment}", "ModifiedTag", ct=true[:-16] + changed)
    for length in range(16):
        yield bad(f"a tag of {length} bytes", "ShortTag", ct=true[:-16] + tag[:length])
    yield bad("a tag of 17 bytes", "ShortTag", ct=true + b"\x00")
    for comment, other in (
        ("nothing", {"ct": b""}),
        ("first bit of the text", {"ct": bytes([true[0] ^ 1]) + true[1:]}),
        ("a byte of text missing", {"ct": true[1:]}),
        ("the tag in front", {"ct": tag + true[:-16]}),
        ("another nonce", {"iv": iv[:11] + bytes([iv[11] ^ 1])}),
        ("nonce in reverse", {"iv": iv[::-1]}),
        ("another key", {"key": key[::-1]}),
        ("no additional data", {"aad": b""}),
        ("additional data longer", {"aad": aad + b"\x00"}),
        ("shorter", {"aad": aad[:-1]}),
        ("additional data before the text", {"aad": b"", "ct": aad + true}),
    ):
        yield bad(comment, "Modified", **other)
    for length in (0, 1, 7):
        yield bad(f"a nonce of {length} bytes", "NonceLength", iv=iv[:length])


def ed25519() -> Iterator[Test]:
    """Yield signatures; the malleable ones verify where S is not compared with the order."""
    draw = random.Random("ed25519")
    for size in (0, 1, 64, 200):
        private = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
        msg = draw.randbytes(size)
        public = private.public_key().public_bytes_raw()
        comment = f"a message of {size} bytes"
        yield _test(comment, "Ordinary", "valid", public=public, msg=msg, sig=private.sign(msg))
    private = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
    msg = b"partywall"
    public, sig = private.public_key().public_bytes_raw(), private.sign(msg)
    r, s = sig[:32], int.from_bytes(sig[32:], "little")

    def bad(comment: str, flag: str, **other: bytes) -> Test:
        values = {"public": public, "msg": msg, "sig": sig} | other
        return _test(comment, flag, "invalid", **values)

    for times in (1, 2, 3, 8, 14):
        wide = (s + times * ORDER).to_bytes(32, "little")
        yield bad(f"S plus {times} times the order", "Malleable", sig=r + wide)
    for comment, number in (
        ("0", 0),
        ("1", 1),
        ("the order", ORDER),
        ("the order less one", ORDER - 1),
        ("the order less S", ORDER - s),
        ("2^255", 2**255),
        ("all ones", 2**256 - 1),
        ("S with its highest bit", s + 2**255),
        ("S + 1", s + 1),
    ):
        yield bad(f"S is {comment}", "WrongS", sig=r + number.to_bytes(32, "little"))
    for comment, point in (
        ("zeros", bytes(32)),
        ("the identity", b"\x01" + bytes(31)),
        ("ones", b"\xff" * 32),
        ("its highest bit changed", r[:31] + bytes([r[31] ^ 0x80])),
        ("p", P.to_bytes(32, "little")),
        ("the public key", public),
        ("in reverse", r[::-1]),
    ):
        yield bad(f"R is {comment}", "WrongR", sig=point + sig[32:])
    for length in (0, 1, 32, 63, 65, 128):
        yield bad(f"a signature of {length} bytes", "WrongLength", sig=(sig * 2)[:length])
    other = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
    for comment, values in (
        ("another message", {"msg": b"partywalk"}),
        ("a longer message", {"msg": msg + b"\x00"}),
        ("no message", {"msg": b""}),
        ("R and S exchanged", {"sig": sig[32:] + r}),
        ("another key", {"public": other.public_key().public_bytes_raw()}),
        ("another key's signature", {"sig": other.sign(msg)}),
        ("zeros", {"sig": bytes(64)}),
        ("the key's highest bit changed", {"public": public[:31] + bytes([public[31] ^ 0x80])}),
    ):
        yield bad(comment, "Modified", **values)
