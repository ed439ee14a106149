"""Records to seal, and a day's key to seal them to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipeline.keys.material import SealingKey
from pipeline.restricted.seal import RECORDS

HOUR = 3600
START = 1_431_820_800  # 17 May 2015


@dataclass(frozen=True)
class Day:
    """Both halves of a day's key, made from a seed."""

    key: SealingKey
    private: bytes = field(repr=False)


def day_key(seed: int = 1) -> Day:
    draw = random.Random(seed)
    private = X25519PrivateKey.from_private_bytes(draw.randbytes(32))
    public = private.public_key().public_bytes_raw()
    key = SealingKey(f"20000-{seed}", 20_000, public, draw.randbytes(32), START)
    return Day(key, private.private_bytes_raw())


def line(offset: int, number: int = 0) -> bytes:
    """A line that says where it came from."""
    return f"10.0.{offset % 7}.{number % 5} line {offset}.{number} \xff\x00é".encode("latin-1")


def records(
    offsets: Sequence[int], lines: int = 1, *, raw: Sequence[bytes] | None = None
) -> pl.DataFrame:
    """Records of ``lines`` lines per offset; every fifth offset is rejected, without address."""
    pairs = [(offset, number) for offset in offsets for number in range(lines)]
    bad = [offset % 5 == 4 for offset, _ in pairs]
    return pl.DataFrame(
        {
            "raw": raw or [line(*pair) for pair in pairs],
            "address": [
                None if gone else f"10.0.{offset % 7}.{number % 5}"
                for (offset, number), gone in zip(pairs, bad, strict=True)
            ],
            "offset": [offset for offset, _ in pairs],
            "line": [number for _, number in pairs],
            "site": [f"site{offset % 2}" for offset, _ in pairs],
            "label": ["web-1"] * len(pairs),
            "ingest": ["live"] * len(pairs),
            "format": ["combined"] * len(pairs),
            "outcome": ["rejected" if gone else "event" for gone in bad],
            "reason": ["not_combined" if gone else None for gone in bad],
            "policy": [1] * len(pairs),
            "hour": [
                None if gone else START + offset % 24 * HOUR
                for (offset, _), gone in zip(pairs, bad, strict=True)
            ],
        },
        schema=RECORDS,
    )
