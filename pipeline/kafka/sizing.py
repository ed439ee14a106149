"""Messages of a size that every broker takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from zlib import crc32

import polars as pl

TARGET_BYTES: Final = 1_000_000
"""The default limit of a Kafka broker is a little over this (message.max.bytes)."""


def fitting(
    rows: pl.DataFrame, encode: Callable[[pl.DataFrame], bytes], limit: int = TARGET_BYTES
) -> Iterator[pl.DataFrame]:
    """Yield slices of ``rows``, in order, whose encoding stays below ``limit`` (at least one)."""
    if rows.height <= 1 or len(encode(rows)) <= limit:
        yield rows
        return
    half = rows.height // 2
    yield from fitting(rows[:half], encode, limit)
    yield from fitting(rows[half:], encode, limit)


def partition_of(site: str, partitions: int) -> int:
    """Return the partition that a site's cells and rollups go to."""
    return crc32(site.encode()) % partitions
