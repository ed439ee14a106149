"""Seals raw lines to the public key of the day: who can seal cannot open.

Lines are cut into frames, each frame is compressed and then encrypted under a content key made for
one message, and that key is encapsulated with HPKE. Lines are sealed in the order of their offset
and line, so that the vault can tell by the last of them what it already holds.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import polars as pl
import zstandard
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline import envelope, sealed
from pipeline.errors import IntegrityError
from pipeline.keys.material import SealingKey, Tokeniser
from pipeline.rows import DAY

FRAME_RECORDS: Final = 2_000
FRAME_BYTES: Final = 1 << 20
MESSAGE_BYTES: Final = 900_000
LEVEL: Final = 1

RECORDS: Final[dict[str, pl.DataType]] = {
    "raw": pl.Binary(),
    "address": pl.String(),
    **{name: dtype for name, dtype in sealed.INDEX.items() if name != "token"},
}
"""Columns that :func:`seal` takes: the line's bytes, its client address (null where none was
found), and the index's columns apart from the token."""

_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_HEAD_BYTES: Final = 4_096  # at most what surrounds index and frames
_INDEX_ROW_BYTES: Final = (
    24  # a guess at what a record adds to the index; wrong guesses are cut again
)


@dataclass(frozen=True, slots=True)
class _To:
    """What lines are sealed to, and what their header says of where they came from and when."""

    key_id: str
    public: bytes
    source: str
    hour: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """Rows ``start`` to ``end`` of a batch, compressed."""

    start: int
    end: int
    packed: bytes = field(repr=False)

    @property
    def cost(self) -> int:
        return len(self.packed) + envelope.TAG_BYTES + (self.end - self.start) * _INDEX_ROW_BYTES


def seal(
    records: pl.DataFrame,
    key: SealingKey,
    *,
    source: str,
    hour: int,
    limit: int = MESSAGE_BYTES,
    level: int = LEVEL,
) -> list[bytes]:
    """Return the sealed messages for ``records``, in order; no records, no message.

    ``records`` has the columns RECORDS, sorted by offset and line; ``source`` is the
    ``topic:partition`` they were read from and ``hour`` the present hour's start in seconds.
    Messages stay under ``limit`` bytes (half a megabyte or more), unless one line needs more.
    Raises IntegrityError where the columns or their order are others.
    """
    if dict(records.schema) != RECORDS:
        raise IntegrityError(f"columns {sorted(set(records.columns) ^ set(RECORDS))} do not belong")
    to = _To(key.key_id, key.public, source, hour)
    return _sealed(records.with_columns(_tokens(records, key)), to, limit, level)


def seal_again(
    lines: pl.DataFrame, key_id: str, public: bytes, *, source: str, hour: int
) -> list[bytes]:
    """Return the sealed messages for lines that were sealed before and keep the tokens they have.

    ``lines`` has raw (Binary) and the columns ``sealed.INDEX``, sorted by offset and line. No
    token key is needed, so that whoever takes a line out of a frame learns no other's address.
    Raises as :func:`seal` does.
    """
    expected = {"raw": pl.Binary(), **sealed.INDEX}
    if dict(lines.schema) != expected:
        raise IntegrityError(f"columns {sorted(set(lines.columns) ^ set(expected))} do not belong")
    return _sealed(lines, _To(key_id, public, source, hour), MESSAGE_BYTES, LEVEL)


def _sealed(lines: pl.DataFrame, to: _To, limit: int, level: int) -> list[bytes]:
    """Seal lines that have their tokens (raw, and the columns ``sealed.INDEX`` among others)."""
    if lines.is_empty():
        return []
    if not sealed.in_order(lines):
        raise IntegrityError("records to seal are not in the order of their offsets and lines")
    index = lines.select(*sealed.INDEX)
    frames = _frames(lines, min(FRAME_BYTES, limit // 2), level)
    messages: list[bytes] = []
    for group in _groups(frames, limit):
        messages += _fit(group, index, to, limit)
    return messages


def _tokens(records: pl.DataFrame, key: SealingKey) -> pl.Series:
    """Return the token of each record: one keyed hash per distinct (site, day, address).

    Site and day have few values, so only the addresses of each pair are looked at one by one.
    """
    places = records.select("site", "address", day=pl.col("hour") // DAY)
    wanted = places.unique().filter(pl.col("address").is_not_null())
    token = _tokeniser(key.token_key)
    made = [wanted.clear().with_columns(token=pl.lit(None, pl.Binary))]
    for (site, day), part in wanted.partition_by(["site", "day"], as_dict=True).items():
        tokens = map(token.of(site, day), part.get_column("address").to_list())
        made.append(part.with_columns(token=pl.Series(list(tokens), dtype=pl.Binary)))
    found = places.join(
        pl.concat(made), on=places.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return found.get_column("token")


@lru_cache(maxsize=2)  # today's key, and yesterday's around midnight
def _tokeniser(token_key: bytes) -> Tokeniser:
    return Tokeniser(token_key)


def forget() -> None:
    """Forget the token keys last sealed under."""
    _tokeniser.cache_clear()


def _frames(records: pl.DataFrame, most_bytes: int, level: int) -> list[_Frame]:
    """Cut the batch into compressed frames; a line longer than ``most_bytes`` has its own."""
    raw = records.get_column("raw").rechunk()
    lengths = raw.bin.size().cast(pl.UInt32).to_arrow().buffers()[1]
    _, ends, data = raw.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    lengths, ends = memoryview(lengths).cast("I"), memoryview(ends).cast("q")
    data = memoryview(data or b"")
    compressor = zstandard.ZstdCompressor(level=level)
    frames = []
    start = 0
    while start < records.height:
        fitting = bisect_right(ends, ends[start] + most_bytes, start + 1, records.height + 1) - 1
        end = max(start + 1, min(fitting, start + FRAME_RECORDS))
        count = (end - start).to_bytes(4, "little")
        body = b"".join((count, lengths[start:end], data[ends[start] : ends[end]]))
        frames.append(_Frame(start, end, compressor.compress(body)))
        start = end
    return frames


def _groups(frames: list[_Frame], limit: int) -> list[list[_Frame]]:
    """Gather frames into messages that should stay under ``limit``."""
    groups: list[list[_Frame]] = []
    room = 0
    for frame in frames:
        if groups and frame.cost <= room:
            groups[-1].append(frame)
        else:
            groups.append([frame])
            room = limit - _HEAD_BYTES
        room -= frame.cost
    return groups


def _fit(frames: list[_Frame], index: pl.DataFrame, to: _To, limit: int) -> list[bytes]:
    """Seal frames as one message, or as halves where it came out larger than guessed."""
    message = _message(frames, index, to)
    if len(message) <= limit or len(frames) == 1:
        return [message]
    half = len(frames) // 2
    return [
        *_fit(frames[:half], index, to, limit),
        *_fit(frames[half:], index, to, limit),
    ]


def _message(frames: list[_Frame], index: pl.DataFrame, to: _To) -> bytes:
    rows = index[frames[0].start : frames[-1].end]
    encoded = sealed.encode_index(rows)
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    spans, untimed = sealed.spans(rows)
    head = envelope.encode_header(
        envelope.Header(
            batch=os.urandom(16).hex(),
            key_id=to.key_id,
            source=to.source,
            first=(first["offset"], first["line"]),
            last=(last["offset"], last["line"]),
            records=rows.height,
            hour=to.hour,
            spans=spans,
            untimed=untimed,
            index_bytes=len(encoded),
            index_sha256=hashlib.sha256(encoded).hexdigest(),
            frames=tuple((len(f.packed) + envelope.TAG_BYTES, f.end - f.start) for f in frames),
        )
    )
    digest = envelope.digest_of(head)
    content_key = AESGCM.generate_key(256)
    encapsulated = _SUITE.encrypt(content_key, _public(to.public), info=envelope.info(digest))
    cipher = AESGCM(content_key)
    ciphertexts = [
        cipher.encrypt(sealed.nonce(n), f.packed, sealed.frame_aad(digest, n, len(frames)))
        for n, f in enumerate(frames)
    ]
    return sealed.encode(head, encoded, encapsulated, ciphertexts)


@lru_cache(maxsize=4)
def _public(raw: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(raw)
