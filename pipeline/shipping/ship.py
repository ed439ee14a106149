"""The shipper: chunks into the raw topic, acknowledged in order, resumed where they were left.

The files of a rotated set go one after the other. Several sets are merged by time, chunk by chunk:
windows close as time goes on, so two servers' logs of one day must arrive side by side. That alone
does not do: a chunk may hold an hour of one log and a week of another. So each also says how old
the lines of the others may be that follow, and no window closes that they belong to.

Chunks are sent in windows. Before a window is sent it is noted down, together with how far the one
before has come, in one durable write; while it is on its way the next is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from pipeline.errors import InputError
from pipeline.shipping.batches import NOT_KNOWN, UNDER_WAY, Batch, Delivery, Tags
from pipeline.shipping.chunks import Chunk
from pipeline.shipping.identity import resume
from pipeline.shipping.reading import Parcel, Plan, Reading
from pipeline.shipping.recover import recover
from pipeline.shipping.resume import ARRIVED, Pending, Point, Points

__all__ = ["Plan", "Progress", "Shipper", "Tags"]

Time = Callable[[Chunk, Tags], int | None]
"""Returns the oldest time in a chunk's first lines, in seconds, None where none is read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file has come: stored bytes read of all, lines acknowledged in this run."""

    position: int
    size: int | None
    lines: int


Tell = Callable[[str, Progress], None]
_SILENT: Final[Tell] = lambda _name, _progress: None  # noqa: E731


class Windows:
    """Sends parcels, and keeps the points a step behind the broker and the notes a step ahead."""

    def __init__(self, delivery: Delivery, points: Points | None, tell: Tell = _SILENT) -> None:
        self._delivery = delivery
        self._points = points
        self._tell = tell
        self._parcels: list[tuple[Reading, Parcel]] = []
        self._sending: asyncio.Task[None] | None = None
        self._moved: dict[int, Point] = {}
        self._arrived: list[Pending] = []
        self._told: dict[str, int] = {}
        self.lines = 0
        self.ingests: set[str] = set()
        """Those that have lines of the files shipped, from now or from a run before."""

    async def opened(self, reading: Reading) -> None:
        """Take a file in: send what of it was on its way and has not arrived."""
        if not reading.kept:
            return
        tags = reading.plan.tags
        self.ingests |= {reading.found.point.ingest} & {tags.ingest}
        self._moved.setdefault(reading.found.point.number, reading.found.point)
        again = reading.again()
        if not again or self._points is None:
            return
        await self.settle()
        batches = [parcel.batch for parcel in again]
        vacant = [batch for batch in batches if batch.sent.state != ARRIVED]
        if vacant:
            numbered = await self._delivery.number(vacant)
            begun = self._points.note(
                arrived=[batch.sent for batch in vacant], begun=[batch.sent for batch in numbered]
            )
            numbered = [replace(b, sent=s) for b, s in zip(numbered, begun, strict=True)]
            await self._delivery.send(numbered)
            batches = [batch for batch in batches if batch.sent.state == ARRIVED] + numbered
        self._came(reading, [batch.sent.lines for batch in batches], again[-1].point)
        self._arrived += [batch.sent for batch in batches]
        self._note()

    async def add(self, reading: Reading, parcel: Parcel) -> None:
        """Take one more parcel; sends where they are a window."""
        if self._points is not None:
            self._points.check(parcel.batch.tags.ingest)
        self._parcels.append((reading, parcel))
        if len(self._parcels) >= UNDER_WAY * self._delivery.partitions:
            await self.flush()

    async def flush(self) -> None:
        """Send what there is, once the window before has arrived."""
        await self._arrive()
        if not self._parcels:
            return
        parcels, self._parcels = self._parcels, []
        batches = await self._delivery.number([parcel.batch for _, parcel in parcels])
        if self._points is not None:
            begun = [one.sent for one in batches if one.sent.point]
            kept = iter(self._note(begun))
            batches = [replace(one, sent=next(kept)) if one.sent.point else one for one in batches]
        self._sending = asyncio.create_task(self._send(parcels, batches))

    async def settle(self, finished: Reading | None = None) -> None:
        """Return once all has arrived and is noted; ``finished`` was read to its end."""
        await self.flush()
        await self._arrive()
        if finished is not None and finished.kept and finished.found.opened.packed:
            reached = replace(finished.reached, stamp=finished.found.opened.stamp)
            self._moved[reached.number] = reached
        self._note()

    async def abandon(self) -> None:
        """Give up what is on its way: it is noted down, and the next run deals with it."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
            self._sending = None

    async def _send(self, parcels: list[tuple[Reading, Parcel]], batches: list[Batch]) -> None:
        await self._delivery.send(batches)
        for reading, parcel in parcels:
            self._came(reading, [parcel.batch.sent.lines], parcel.point)
        self._arrived += [batch.sent for batch in batches if batch.sent.number]

    async def _arrive(self) -> None:
        if self._sending is not None:
            await asyncio.shield(self._sending)
            self._sending = None

    def _note(self, begun: list[Pending] | None = None) -> list[Pending]:
        if self._points is None or not (self._moved or self._arrived or begun):
            return []
        kept = self._points.note(self._moved.values(), self._arrived, begun or ())
        self._moved, self._arrived = {}, []
        return kept

    def _came(self, reading: Reading, lines: list[int], point: Point) -> None:
        if reading.kept:
            reading.reached = self._moved[point.number] = point
        plan = reading.plan
        self.ingests.add(plan.tags.ingest)
        self.lines += sum(lines)
        told = self._told[plan.name] = self._told.get(plan.name, 0) + sum(lines)
        opened = reading.found.opened
        self._tell(plan.name, Progress(opened.position(), opened.size, told))


class Shipper:
    """Ships files over one delivery; ``lines`` counts what was acknowledged so far."""

    def __init__(
        self,
        delivery: Delivery,
        points: Points | None,
        time: Time,
        *,
        lines_alone: bool = False,
        more: bool = False,
        tell: Tell = _SILENT,
    ) -> None:
        """``points`` is None where nothing is to be remembered (one-shot runs).

        ``lines_alone`` sends one line a message instead of chunks. ``more`` says that files follow
        in another run, of any age.
        """
        self._points = points
        self._time = time
        self._lines_alone = lines_alone
        self._more = more
        self._delivery = delivery
        self._windows = Windows(delivery, points, tell)
        self.waiting = 0
        """Files whose last line has no end yet, and waits for it."""

    @property
    def lines(self) -> int:
        """Lines acknowledged in this run."""
        return self._windows.lines

    @property
    def ingests(self) -> set[str]:
        """Those that have lines of the files shipped, from now or from a run before."""
        return self._windows.ingests

    async def ship(self, plans: list[Plan]) -> InputError | None:
        """Ship what is new in the files; return the error of the first damaged one, if any.

        A damaged file is shipped up to the damage, the others whole.
        """
        await recover(self._points, self._delivery, [plan.entry for plan in plans])
        sets: dict[tuple[str, str], deque[Plan]] = {}
        for plan in plans:
            sets.setdefault((plan.entry.folder, plan.entry.base), deque()).append(plan)
        streams = [_Stream(waiting) for waiting in sets.values()]
        try:
            damaged = await self._merge(streams)
            await self._windows.settle()
            return damaged
        finally:
            await self._windows.abandon()
            for stream in streams:
                if stream.reading is not None:
                    stream.reading.close()

    async def _merge(self, streams: list[_Stream]) -> InputError | None:
        """Take the set whose turn it is, chunk by chunk."""
        damaged: InputError | None = None
        turn = [(stream.plans[0].oldest, number) for number, stream in enumerate(streams)]
        heapq.heapify(turn)
        while turn:
            _, number = turn[0]
            stream = streams[number]
            # The heap's second is one of its root's two children.
            others = [time for time, _ in turn[1:3]]
            others += [plan.oldest for plan in islice(stream.plans, 1, None)]
            watermark = NOT_KNOWN if self._more else min(others, default=None)
            try:
                when = await self._step(stream, watermark)
            except InputError as error:
                damaged = damaged or error
                when = await self._leave(stream, whole=False)
            if when is None:
                heapq.heappop(turn)
            else:
                heapq.heapreplace(turn, (when, number))
        return damaged

    async def _step(self, stream: _Stream, watermark: int | None) -> int | None:
        """Send a set's next chunk; return the time of the one after, None at its end."""
        plan = stream.plans[0]
        if stream.reading is None:
            found = await asyncio.to_thread(
                resume, plan.entry, self._points, alone=self._lines_alone, watch=plan.directives
            )
            stream.reading = Reading(plan, found, self._lines_alone)
            await self._windows.opened(stream.reading)
            if found.over:
                return await self._leave(stream, whole=False)
            stream.next = await asyncio.to_thread(next, stream.reading.parcels, None)
        if stream.next is not None:
            parcel = stream.next
            told = replace(parcel, batch=replace(parcel.batch, watermark=watermark))
            await self._windows.add(stream.reading, told)
            if not stream.reading.kept and stream.reading.found.opened.size is None:
                await self._windows.flush()  # a pipe may have nothing more for long
            stream.next = await asyncio.to_thread(next, stream.reading.parcels, None)
        if stream.next is None:
            return await self._leave(stream, whole=True)
        chunk = stream.next.batch.chunk
        # A chunk whose time cannot be read is as old as the one before it.
        stream.time = (chunk and self._time(chunk, plan.tags)) or stream.time or plan.oldest
        return stream.time

    async def _leave(self, stream: _Stream, *, whole: bool) -> int | None:
        """Close a set's file; return when the next one's turn is, None where there is none."""
        reading, stream.reading, stream.next, stream.time = stream.reading, None, None, 0
        stream.plans.popleft()
        if reading is not None:
            with contextlib.closing(reading):
                await self._windows.settle(reading if whole else None)
                if whole and not reading.plan.whole:
                    self.waiting += reading.end < (reading.found.opened.size or 0)
        return stream.plans[0].oldest if stream.plans else None


@dataclass(slots=True)
class _Stream:
    plans: deque[Plan]
    reading: Reading | None = None
    next: Parcel | None = None
    time: int = 0
    """Of the next chunk, in seconds; 0 while none is known."""
