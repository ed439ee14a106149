"""A sealed message in the making: every part of it can be another than it should be."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.nulls import blanked
from pipeline.sealed import INDEX, spans
from tests.support.vectors import hpke

HOUR: Final = 3600
START: Final = 1_431_820_800
"""17 May 2015, midnight UTC."""
MAGIC: Final = b"PWSEAL\x00\x02"

_DRAW: Final = random.Random("partywall vectors 1")
PRIVATE: Final = _DRAW.randbytes(32)
"""The test key that all messages are sealed to: published, so it must never be used."""
OTHER: Final = _DRAW.randbytes(32)
"""The test key of another day."""
PUBLIC: Final = hpke.public_of(PRIVATE)
KEY_ID: Final = f"16572-{PUBLIC[:6].hex()}"

Values = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One test: without an ``error`` it is valid and opens to ``lines``."""

    comment: str
    flags: tuple[str, ...]
    message: bytes = field(repr=False)
    error: str | None = None
    frame: int | None = None
    lines: tuple[bytes, ...] = field(default=(), repr=False)
    key: str = "day"


def record(offset: int, number: int = 0, **others: object) -> Values:
    """A row of an index: an event of the first hour on ``shop`` unless said otherwise."""
    draw = random.Random(f"token {offset}.{number}")
    row: Values = {
        "offset": offset,
        "line": number,
        "site": "shop",
        "label": "web-1",
        "ingest": "live",
        "format": "combined",
        "outcome": "event",
        "reason": None,
        "policy": 1,
        "hour": START,
        "token": draw.randbytes(16),
    }
    return row | others


def untimed(offset: int, number: int = 0, site: str = "blog") -> Values:
    """A row of a line that could not be read."""
    return record(
        offset, number, site=site, outcome="rejected", reason="not_combined", policy=0, hour=None,
        token=None,
    )  # fmt: skip


def frame_of(rows: Sequence[Values]) -> pl.DataFrame:
    """Return rows as the index's columns."""
    return pl.DataFrame(list(rows), schema=INDEX)


def stream(rows: pl.DataFrame) -> bytes:
    """Return any columns as an Arrow IPC stream, zstd."""
    sink = io.BytesIO()
    nested = any(dtype.is_nested() for dtype in rows.dtypes)
    (rows if nested else blanked(rows)).write_ipc_stream(sink, compression="zstd")
    return sink.getvalue()


def body(lines: Sequence[bytes], count: int | None = None) -> bytes:
    """Return the plain bytes of a frame; ``count`` may lie."""
    stated = len(lines) if count is None else count
    return struct.pack(f"<{len(lines) + 1}I", stated, *map(len, lines)) + b"".join(lines)


def packed(
    plain: bytes,
    level: int = 1,
    *,
    write_content_size: bool = True,
    write_checksum: bool = False,
) -> bytes:
    """Return one zstd frame."""
    compressor = zstandard.ZstdCompressor(
        level=level, write_content_size=write_content_size, write_checksum=write_checksum
    )
    return compressor.compress(plain)


def canonical(values: Values) -> bytes:
    """Return a header's canonical JSON."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest_of(head: bytes) -> bytes:
    """Return what binds a header to the rest."""
    return hashlib.sha256(MAGIC + struct.pack("<I", len(head)) + head).digest()


def info_of(digest: bytes) -> bytes:
    """Return the HPKE info of a header."""
    return b"partywall sealed batch 2\x00" + digest


@dataclass(frozen=True)
class Message:
    """The parts of a message, each of which may be replaced before they are joined."""

    head: bytes
    index: bytes = field(repr=False)
    encapsulated: bytes = field(repr=False)
    frames: tuple[bytes, ...] = field(repr=False)
    digest: bytes | None = None
    magic: bytes = MAGIC
    length: int | None = None
    content_key: bytes = field(default=b"", repr=False)

    def joined(self) -> bytes:
        """Return the message; digest and length are the header's unless said otherwise."""
        length = len(self.head) if self.length is None else self.length
        digest = digest_of(self.head) if self.digest is None else self.digest
        return b"".join((
            self.magic, struct.pack("<I", length), digest, self.head, self.index,
            self.encapsulated, *self.frames,
        ))  # fmt: skip

    def but(self, **others: Any) -> bytes:  # noqa: ANN401 - any of the fields
        """Return the message with other parts."""
        return replace(self, **others).joined()


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _aad(digest: bytes, number: int, count: int) -> bytes:
    return digest + struct.pack("<II", number, count)


@dataclass(frozen=True)
class Plan:
    """What is to be sealed: rows of the index, and each frame's lines.

    Who has a plan sealed knows the public key and may still lie: ``header`` overrides fields
    (None takes one away), ``write`` turns the values into the header's bytes, ``index`` is another
    index, ``packs`` other compressed frames, ``nonce`` and ``aad`` other ways to encrypt them.
    """

    rows: Sequence[Values]
    frames: Sequence[Sequence[bytes]]
    seed: str = "base"
    header: Values = field(default_factory=dict)
    write: Callable[[Values], bytes] = canonical
    index: bytes | None = None
    packs: Sequence[bytes] | None = None
    nonce: Callable[[int], bytes] = _nonce
    aad: Callable[[bytes, int, int], bytes] = _aad
    info: Callable[[bytes], bytes] = info_of
    encapsulate: Values = field(default_factory=dict)
    recipient: bytes = PUBLIC

    def lines(self) -> tuple[bytes, ...]:
        """Return all lines, in order."""
        return tuple(line for lines in self.frames for line in lines)

    def values(self, index: bytes, packs: Sequence[bytes]) -> Values:
        """Return the header's values: the truth, and then what the plan says instead."""
        rows = frame_of(self.rows)
        known, others = spans(rows)
        values = {
            "batch": random.Random(f"batch {self.seed}").randbytes(16).hex(),
            "key_id": KEY_ID,
            "source": "logs.web:3",
            "first": list(rows.row(0)[:2]),
            "last": list(rows.row(-1)[:2]),
            "records": rows.height,
            "hour": START + 24 * HOUR,
            "spans": {site: list(span) for site, span in known.items()},
            "untimed": list(others),
            "index_bytes": len(index),
            "index_sha256": hashlib.sha256(index).hexdigest(),
            "frames": [
                [len(pack) + 16, len(lines)] for pack, lines in zip(packs, self.frames, strict=True)
            ],
        } | self.header
        return {name: value for name, value in values.items() if value is not None}

    def sealed(self) -> Message:
        """Return the message's parts."""
        draw = random.Random(f"keys {self.seed}")
        content_key, ephemeral = draw.randbytes(32), draw.randbytes(32)
        index = stream(frame_of(self.rows)) if self.index is None else self.index
        packs = [packed(body(lines)) for lines in self.frames] if self.packs is None else self.packs
        head = self.write(self.values(index, packs))
        digest = digest_of(head)
        encapsulated = hpke.seal(
            content_key, self.recipient, self.info(digest), ephemeral, **self.encapsulate
        )
        cipher = AESGCM(content_key)
        frames = tuple(
            cipher.encrypt(self.nonce(n), pack, self.aad(digest, n, len(packs)))
            for n, pack in enumerate(packs)
        )
        return Message(head, index, encapsulated, frames, content_key=content_key)

    def message(self) -> bytes:
        """Return the whole message."""
        return self.sealed().joined()


BASE: Final = Plan(
    rows=(
        record(7), record(7, 1, site="blog", hour=START + HOUR), untimed(9),
        record(9, 1, hour=START + 2 * HOUR), record(12, token=None, outcome="ignored",
                                                    reason="asset"),
    ),
    frames=(
        (b"192.0.2.7 GET /cart", b"198.51.100.9 GET /post/1", b"\x16\x03\x01 no request"),
        (b"2001:db8::7 GET /pay", b"203.0.113.5 GET /style.css"),
    ),
)  # fmt: skip
"""Five lines of two sites in two frames, one of them without a time."""

SMALL: Final = Plan(rows=(record(7),), frames=((b"192.0.2.7 GET /cart",),), seed="small")
"""One line."""
