"""The primitives that seal, wrap and sign do what NIST, the CFRG and the RFCs have published.

The files come with ``cryptography_vectors``, the vectors that the library itself is tested with; it
holds none of Project Wycheproof's, in whose manner docs/vectors/primitives.json is made.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hpke as library
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography_vectors import open_vector_file

from tests.support.vectors import hpke

SUITE: Final = library.Suite(library.KEM.X25519, library.KDF.HKDF_SHA256, library.AEAD.AES_256_GCM)
NUMBERS: Final = {"mode": 0, "kem_id": 0x20, "kdf_id": 1, "aead_id": 2}
"""Base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180, section 7)."""
ORDER: Final = 2**252 + 27742317777372353535851937790883648493


def text(name: str) -> str:
    with open_vector_file(name, "r") as file:
        found: str = file.read()
    return found


def blocks(name: str) -> Iterator[dict[str, str]]:
    """Blocks of ``name = value`` lines with the ``[section]`` values above them; FAIL is a name."""
    section: dict[str, str] = {}
    block: dict[str, str] = {}
    before = ""
    for line in [*text(name).splitlines(), ""]:
        if not line.strip():
            if block:
                yield section | block
            block = {}
        elif line.startswith("["):
            fresh = {} if not before.startswith("[") else section
            left, _, right = line.strip("[]").partition("=")
            section = fresh | {left.strip(): right.strip()}
        elif not line.startswith("#"):
            left, _, right = line.partition("=")
            block[left.strip()] = right.strip()
        before = line


def raw(block: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(block[name]) for name in names]


@pytest.fixture(scope="module")
def rfc9180() -> dict[str, Any]:
    found = [
        case
        for case in json.loads(text("HPKE/test-vectors.json"))
        if {name: case[name] for name in NUMBERS} == NUMBERS
    ]
    assert len(found) == 1
    case: dict[str, Any] = found[0]
    return case


def test_hpke_opens_the_cfrg_s_vectors_of_our_suite(rfc9180: dict[str, Any]) -> None:
    """The first encryption of a context is what a single shot gives, with its additional data."""
    [enc, info, private] = raw(rfc9180, "enc", "info", "skRm")
    first = rfc9180["encryptions"][0]
    [aad, ct, pt] = raw(first, "aad", "ct", "pt")
    key = X25519PrivateKey.from_private_bytes(private)
    assert openssl.hpke._decrypt_with_aad(SUITE, enc + ct, key, info, aad) == pt
    for wrong in (info + b"\x00", b""):
        with pytest.raises(InvalidTag):
            openssl.hpke._decrypt_with_aad(SUITE, enc + ct, key, wrong, aad)


def test_the_sender_that_makes_our_vectors_is_the_cfrg_s(rfc9180: dict[str, Any]) -> None:
    [enc, info, ours, theirs, recipient] = raw(rfc9180, "enc", "info", "skEm", "skRm", "pkRm")
    private = X25519PrivateKey.from_private_bytes(ours)
    dh = private.exchange(X25519PublicKey.from_public_bytes(recipient))
    secret = hpke.shared_secret(dh, enc, recipient)
    assert secret.hex() == rfc9180["shared_secret"]
    key, nonce = hpke.schedule(secret, info, hpke.OURS)
    assert [key, nonce] == raw(rfc9180, "key", "base_nonce")
    for number, encryption in enumerate(rfc9180["encryptions"]):
        [aad, ct, pt] = raw(encryption, "aad", "ct", "pt")
        turned = (int.from_bytes(nonce, "big") ^ number).to_bytes(12, "big")
        assert AESGCM(key).encrypt(turned, pt, aad) == ct
    [aad, ct, pt] = raw(rfc9180["encryptions"][0], "aad", "ct", "pt")
    assert hpke.seal(pt, recipient, info, ours, aad=aad) == enc + ct
    alone = hpke.seal(pt, recipient, info, ours)
    assert SUITE.decrypt(alone, X25519PrivateKey.from_private_bytes(theirs), info=info) == pt


def test_aes_256_gcm_opens_or_refuses_as_nist_says() -> None:
    """Nonces of 96 bits and tags of 128, as we use them."""
    results: Counter[bool] = Counter()
    for block in blocks("ciphers/AES/GCM/gcmDecrypt256.rsp"):
        if (block["IVlen"], block["Taglen"]) != ("96", "128"):
            continue
        [key, iv, ct, aad, tag] = raw(block, "Key", "IV", "CT", "AAD", "Tag")
        valid = "FAIL" not in block
        try:
            assert AESGCM(key).decrypt(iv, ct + tag, aad) == bytes.fromhex(block["PT"])
        except InvalidTag:
            assert not valid
        else:
            assert valid
        results[valid] += 1
    assert min(results[True], results[False]) > 100


def test_key_wrap_opens_or_refuses_as_nist_says() -> None:
    results: Counter[bool] = Counter()
    for block in blocks("keywrap/kwtestvectors/KW_AD_256.txt"):
        [key, wrapped] = raw(block, "K", "C")
        valid = "FAIL" not in block
        if valid:
            assert keywrap.aes_key_unwrap(key, wrapped) == bytes.fromhex(block["P"])
        else:
            with pytest.raises(keywrap.InvalidUnwrap):
                keywrap.aes_key_unwrap(key, wrapped)
        results[valid] += 1
    assert min(results[True], results[False]) >= 100


def test_x25519_gives_the_secrets_of_rfc_7748() -> None:
    count = 0
    for block in blocks("asymmetric/X25519/rfc7748.txt"):
        [scalar, point, shared] = raw(block, "INPUT_SCALAR", "INPUT_U", "OUTPUT_U")
        private = X25519PrivateKey.from_private_bytes(scalar)
        assert private.exchange(X25519PublicKey.from_public_bytes(point)) == shared
        count += 1
    assert count >= 2


def test_ed25519_verifies_rfc_8032_s_signatures_and_none_with_a_larger_s() -> None:
    lines = text("asymmetric/Ed25519/sign.input").splitlines()
    assert len(lines) == 1024
    for line in lines[::4]:
        _, public, message, signed = line.split(":")[:4]
        msg, sig = bytes.fromhex(message), bytes.fromhex(signed)[:64]
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(sig, msg)
        larger = int.from_bytes(sig[32:], "little") + ORDER
        with pytest.raises(InvalidSignature):
            key.verify(sig[:32] + larger.to_bytes(32, "little"), msg)


def test_hkdf_is_that_of_rfc_5869() -> None:
    count = 0
    given: dict[str, str] = {}
    for part in blocks("KDF/rfc-5869-HKDF-SHA256.txt"):
        given |= part  # a blank line stands in the midst of the second and third
        if "OKM" not in part:
            continue
        block, given = given, {}
        [ikm, salt, info, okm] = raw(block, "IKM", "salt", "info", "OKM")
        assert HKDF(SHA256(), int(block["L"]), salt or None, info).derive(ikm) == okm
        count += 1
    assert count == 3


@pytest.mark.parametrize("name", ["SHA256ShortMsg", "SHA256LongMsg"])
def test_sha_256_is_nist_s(name: str) -> None:
    count = 0
    for block in blocks(f"hashes/SHA2/{name}.rsp"):
        message = bytes.fromhex(block["Msg"])[: int(block["Len"]) // 8]
        assert hashlib.sha256(message).hexdigest() == block["MD"]
        count += 1
    assert count >= 60


def test_keyed_blake2b_passes_the_self_test_of_rfc_7693() -> None:
    """Appendix E: a hash over hashes of six lengths, plain and keyed, at four sizes."""

    def sequence(length: int, seed: int) -> bytes:
        a, b = 0xDEAD4BAD * seed & 0xFFFFFFFF, 1
        out = bytearray()
        for _ in range(length):
            a, b = b, (a + b) & 0xFFFFFFFF
            out.append(b >> 24)
        return bytes(out)

    whole = hashlib.blake2b(digest_size=32)
    for size in (20, 32, 48, 64):
        for length in (0, 3, 128, 129, 255, 1024):
            message = sequence(length, length)
            whole.update(hashlib.blake2b(message, digest_size=size).digest())
            key = sequence(size, size)
            whole.update(hashlib.blake2b(message, digest_size=size, key=key).digest())
    assert whole.hexdigest() == "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475"
