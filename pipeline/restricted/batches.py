"""Event rows → messages for each events partition, by pseudonym."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pipeline import events
from pipeline.events import EventsHeader
from pipeline.kafka.sizing import TARGET_BYTES

WATERMARK_SHARE: Final = 0.9
"""The watermark is this quantile of a batch's times, not its newest: a clock that runs ahead on
one machine must not close the windows of all the others."""


def watermark(times: pl.Series, now: int, said: int | None = None) -> int | None:
    """Return how far a batch says that time has come (seconds), None where it is empty.

    Never past ``now``: a line may be written up to a day ahead, and would close what is open. Nor
    past what the shipper ``said``, who knows of other files with lines of that time.
    """
    newest = times.quantile(WATERMARK_SHARE, interpolation="lower")
    if newest is None:
        return None
    return min(int(newest), now, now if said is None else said)


def messages(header: EventsHeader, rows: pl.DataFrame, partitions: int) -> list[tuple[int, bytes]]:
    """Return (partition, message) for an ingest's rows of one batch, each partition in order.

    A visitor is in one partition only. Every partition gets a message with ``header``, its last,
    and so hears how far the source has come. ``rows`` has events.SCHEMA and is in order.
    """
    homes = rows["visitor"] % partitions
    made = []
    for partition in range(partitions):
        *before, (_, rest) = _pieces(rows.filter(homes == partition).select(*events.SCHEMA))
        for upto, body in before:
            part = replace(header, last_offset=upto, watermark=None, end=False, topics=())
            made.append((partition, events.framed(part, body)))
        made.append((partition, events.framed(header, rest)))
    return made


def _pieces(rows: pl.DataFrame) -> list[tuple[int, events.Body]]:
    """Cut rows, between source offsets, into pieces that fit a message: last offset, rows."""
    body = events.pack(rows)
    whole = [(int(rows["offset"][-1]) if rows.height else -1, body)]
    if rows.height <= 1 or len(body) <= TARGET_BYTES:
        return whole
    middle = rows["offset"][rows.height // 2]
    before, after = rows.filter(pl.col("offset") < middle), rows.filter(pl.col("offset") >= middle)
    if before.is_empty():
        before, after = (
            rows.filter(pl.col("offset") == middle),
            rows.filter(pl.col("offset") > middle),
        )
        if after.is_empty():
            return whole
    return [*_pieces(before), *_pieces(after)]
