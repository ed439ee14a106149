"""The first thing a run does: it finds out what became of what the one before was sending.

All of it is sent again, in the order in which it went, and that needs its bytes: they are looked
for in the files they came from, under whatever name those are now. Where nobody has them any more,
a message that says nothing takes their place, or shows that it is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from pipeline.errors import InputError
from pipeline.shipping.batches import NOT_KNOWN, Batch, Delivery, Tags
from pipeline.shipping.chunks import Chunk
from pipeline.shipping.entries import siblings
from pipeline.shipping.identity import resume
from pipeline.shipping.inputs import Entry, entry_of
from pipeline.shipping.resume import ARRIVED, VACANT, Point, Points

_LOOKS: Final = 3
"""Times that a file is looked for: it may be renamed while it is."""


async def recover(points: Points | None, delivery: Delivery, entries: Iterable[Entry]) -> None:
    """Send again what may have arrived, and keep what became of it.

    ``entries`` are looked through too for the files it came from.
    """
    unknown = [] if points is None else points.unknown()
    if points is None or not unknown:
        return
    there = list(entries)
    chunks: dict[int, Chunk] = {}
    for _ in range(_LOOKS):
        wanted = {one.point for one in unknown if one.number not in chunks}
        for point in filter(None, map(points.point, wanted)):
            chunks |= await asyncio.to_thread(_chunks, point, points, there)
    gone = [one for one in unknown if one.number not in chunks and not one.mark]
    ends = await delivery.ends() if gone else []
    # Noted before anything takes a place: who is killed then must not take it for what was there.
    since = {
        one.number: replace(one, after=ends[one.partition] - 1) for one in gone if one.after < 0
    }
    points.keep(since.values())
    batches = [
        Batch(
            chunks.get(one.number),
            Tags.of(one.tags),
            since.get(one.number, one),
            again=one.after >= 0,
            watermark=NOT_KNOWN,
        )
        for one in unknown
    ]
    vacant = {batch.sent.number for batch in await delivery.again(batches)}
    points.keep(
        replace(batch.sent, state=VACANT if batch.sent.number in vacant else ARRIVED)
        for batch in batches
    )


def _chunks(point: Point, points: Points, there: list[Entry]) -> dict[int, Chunk]:
    """Return what is pending of a file, by number; nothing where the file is not found."""
    for entry in _places(point, there):
        try:
            found = resume(entry, points, watch=True)
        except InputError:
            continue
        found.close()
        if found.point.number == point.number and found.pending:
            return {one.number: chunk for one, chunk in found.pending}
    return {}


def _places(point: Point, there: list[Entry]) -> Iterator[Entry]:
    """Yield where a file may be: in its place, among its set, among what is shipped now."""
    if point.path:
        before = entry_of(point.path)
        if before.local:
            yield before
            yield from siblings(before)
    yield from (entry for entry in there if entry.base == point.base)
