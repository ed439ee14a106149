"""Opens sealed frames with the private key of their day."""

from __future__ import annotations

import struct
from itertools import accumulate, pairwise
from typing import Final

import polars as pl
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline import envelope, sealed
from pipeline.errors import IntegrityError

MOST_FRAME_BYTES: Final = 64 << 20
"""A frame's plain bytes are never more: no line is as long, and other frames hold 1 MiB."""

_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def open_frame(
    private_key: bytes, head: bytes, encapsulated: bytes, frame: int, ciphertext: bytes
) -> list[bytes]:
    """Return the raw lines of one frame, in order.

    ``private_key`` is the raw X25519 key (32 bytes) of the header's ``key_id``; ``head`` the
    header's bytes, ``encapsulated`` the batch's encapsulated key and ``frame`` the frame's number.
    Raises IntegrityError for a wrong key and for any byte that is not as it was sealed.
    """
    content_key = _content_key(private_key, envelope.digest_of(head), encapsulated)
    return open_with(content_key, head, frame, ciphertext)


def open_with(content_key: bytes, head: bytes, frame: int, ciphertext: bytes) -> list[bytes]:
    """Return the raw lines of one frame, in order, by the batch's own key (32 bytes).

    That is what the key service lends: it opens one batch, and nothing else of its day. Raises
    IntegrityError as :func:`open_frame` does.
    """
    header = envelope.decode_header(head)
    if not 0 <= frame < len(header.frames):
        raise IntegrityError(f"frame {frame} is not one of the batch's {len(header.frames)}")
    return _lines(AESGCM(content_key), envelope.digest_of(head), header, frame, ciphertext)


def open_batch(private_key: bytes, message: bytes) -> pl.DataFrame:
    """Return all records of a sealed message: the columns POSITIONED of ``sealed``, and ``raw``.

    Raises IntegrityError as :func:`open_frame` does, and where frames are missing or in another
    order than sealed.
    """
    batch = sealed.decode(message)
    rows = sealed.index_rows(batch)
    cipher = AESGCM(_content_key(private_key, batch.digest, batch.encapsulated))
    lines = [
        line
        for number, ciphertext in enumerate(batch.frames)
        for line in _lines(cipher, batch.digest, batch.header, number, ciphertext)
    ]
    return rows.with_columns(pl.Series("raw", lines, dtype=pl.Binary))


def _content_key(private_key: bytes, digest: bytes, encapsulated: bytes) -> bytes:
    key = X25519PrivateKey.from_private_bytes(private_key)
    try:
        return _SUITE.decrypt(encapsulated, key, info=envelope.info(digest))
    except InvalidTag as error:
        raise IntegrityError(
            "the batch's key does not open: wrong key, or damaged header or key"
        ) from error


def _lines(
    cipher: AESGCM, digest: bytes, header: envelope.Header, frame: int, ciphertext: bytes
) -> list[bytes]:
    size, count = header.frames[frame]
    if len(ciphertext) != size:
        raise IntegrityError(f"frame {frame} is cut, or has grown past its end")
    aad = sealed.frame_aad(digest, frame, len(header.frames))
    try:
        packed = cipher.decrypt(sealed.nonce(frame), ciphertext, aad)
        return _unpack(_decompressed(packed), count)
    except InvalidTag as error:
        raise IntegrityError(f"frame {frame} is damaged, or not in its place") from error
    except (zstandard.ZstdError, struct.error, ValueError) as error:
        raise IntegrityError(f"frame {frame} does not hold what was sealed") from error


def _decompressed(packed: bytes) -> bytes:
    """Return what one zstd frame holds that says its size, and behind which nothing follows."""
    if not 0 <= zstandard.frame_content_size(packed) <= MOST_FRAME_BYTES:
        raise ValueError
    return zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False)


def _unpack(body: bytes, count: int) -> list[bytes]:
    """Return the lines of a frame's plain bytes: count, lengths, then the lines end to end."""
    stated, *lengths = struct.unpack_from(f"<{count + 1}I", body)
    data = body[4 * (count + 1) :]
    if stated != count or sum(lengths) != len(data):
        raise ValueError(count)
    return [data[a:b] for a, b in pairwise(accumulate(lengths, initial=0))]
