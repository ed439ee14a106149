"""Messages of a size that every broker takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar
from zlib import crc32

import polars as pl

Packed = TypeVar("Packed", bound=bytes)

TARGET_BYTES: Final = 1_000_000
"""The default limit of a Kafka broker is a little over this (message.max.bytes)."""


def fitting(
    rows: pl.DataFrame, pack: Callable[[pl.DataFrame], Packed], limit: int = TARGET_BYTES
) -> Iterator[tuple[int, Packed]]:
    """Yield height and packing of slices of ``rows``, in order, below ``limit`` (at least one)."""
    packed = pack(rows)
    if rows.height <= 1 or len(packed) <= limit:
        yield rows.height, packed
        return
    half = rows.height // 2
    yield from fitting(rows[:half], pack, limit)
    yield from fitting(rows[half:], pack, limit)


def partition_of(site: str, partitions: int) -> int:
    """Return the partition that a site's cells and rollups go to."""
    return crc32(site.encode()) % partitions
