"""The sender of HPKE (RFC 9180) with a chosen ephemeral key, mode and suite. For vectors alone.

``cryptography`` draws the ephemeral key itself, and it refuses what a vector must hold: a share of
low order, or another suite under our layout.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

_KEM: Final = b"KEM\x00\x20"
_VERSION: Final = b"HPKE-v1"
SHARED_BYTES: Final = 32
NONCE_BYTES: Final = 12


@dataclass(frozen=True)
class Suite:
    """Numbers of a suite whose KEM is DHKEM(X25519, HKDF-SHA256), RFC 9180 section 7."""

    kdf: int = 1
    aead: int = 2

    @property
    def id(self) -> bytes:
        return b"HPKE\x00\x20" + self.kdf.to_bytes(2, "big") + self.aead.to_bytes(2, "big")

    @property
    def hash(self) -> str:
        return {1: "sha256", 3: "sha512"}[self.kdf]

    @property
    def key_bytes(self) -> int:
        return {1: 16, 2: 32, 3: 32}[self.aead]


OURS: Final = Suite()


def _extract(name: str, salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    salt = salt or bytes(hashlib.new(name).digest_size)
    return hmac.digest(salt, _VERSION + suite + label + ikm, name)


def _expand(name: str, prk: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + _VERSION + suite + label + info
    out = block = b""
    count = 0
    while len(out) < length:
        count += 1
        block = hmac.digest(prk, block + labelled + bytes([count]), name)
        out += block
    return out[:length]


def public_of(private: bytes) -> bytes:
    """Return the public half of a raw X25519 key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def shared_secret(dh: bytes, share: bytes, recipient: bytes) -> bytes:
    """Return ExtractAndExpand of section 4.1 over a Diffie-Hellman value."""
    prk = _extract("sha256", b"", _KEM, b"eae_prk", dh)
    return _expand("sha256", prk, _KEM, b"shared_secret", share + recipient, SHARED_BYTES)


def schedule(
    secret: bytes, info: bytes, suite: Suite, mode: int = 0, psk: bytes = b"", psk_id: bytes = b""
) -> tuple[bytes, bytes]:
    """Return the key and the base nonce of section 5.1."""
    name = suite.hash
    context = (
        bytes([mode])
        + _extract(name, b"", suite.id, b"psk_id_hash", psk_id)
        + _extract(name, b"", suite.id, b"info_hash", info)
    )
    drawn = _extract(name, secret, suite.id, b"secret", psk)
    key = _expand(name, drawn, suite.id, b"key", context, suite.key_bytes)
    return key, _expand(name, drawn, suite.id, b"base_nonce", context, NONCE_BYTES)


def seal(
    plain: bytes,
    recipient: bytes,
    info: bytes,
    ephemeral: bytes,
    *,
    share: bytes | None = None,
    dh: bytes | None = None,
    suite: Suite = OURS,
    mode: int = 0,
    psk: bytes = b"",
    aad: bytes = b"",
) -> bytes:
    """Return share and ciphertext; ``share`` and ``dh`` take the place of the sender's own."""
    share = share or public_of(ephemeral)
    if dh is None:
        own = X25519PrivateKey.from_private_bytes(ephemeral)
        dh = own.exchange(X25519PublicKey.from_public_bytes(recipient))
    secret = shared_secret(dh, share, recipient)
    key, nonce = schedule(secret, info, suite, mode, psk, b"partywall" if psk else b"")
    cipher = ChaCha20Poly1305(key) if suite.aead == 3 else AESGCM(key)
    return share + cipher.encrypt(nonce, plain, aad)
