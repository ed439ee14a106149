"""The shipper: chunks into the raw topic, acknowledged in order, resumed where they were left.

Several files are merged by time, chunk by chunk: windows close as time goes on, so two servers'
logs of one day must arrive side by side, and rotated files one after the other.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer

from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.shipping import inputs
from pipeline.shipping.chunks import Chunk, chunks, single
from pipeline.shipping.resume import Point, Points

IN_FLIGHT: Final = 64
"""So many messages of a file wait for their acknowledgement at most: the broker sets the pace."""
SAVE_EVERY: Final = 32
"""Acknowledged messages between two resume points written to disk."""
TOPIC: Final = "logs.web"


@dataclass(frozen=True, slots=True)
class Tags:
    """What the shipper says of its lines, in the headers of each message."""

    site: str
    source: str
    format: str
    ingest: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One file to ship: what is said of it, and its oldest time in seconds where it is known."""

    name: str
    tags: Tags
    oldest: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file has come: stored bytes read of all, lines acknowledged in this run."""

    position: int
    size: int | None
    lines: int


Time = Callable[[bytes, str], int | None]
"""Returns the oldest time in a few lines of a format, in seconds, None where none is read."""


@dataclass(slots=True)
class _File:
    plan: Plan
    point: Point
    opening: AbstractContextManager[inputs.Opened]
    opened: inputs.Opened
    reading: Iterator[Chunk]
    next: Chunk | None = None
    waiting: deque[tuple[Chunk, asyncio.Future[object]]] = field(default_factory=deque)
    lines: int = 0


_START: Final = Point(0, 0, 0, "", 0, 0)


class Shipper:
    """Ships files over one producer; ``lines`` counts what was acknowledged so far."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        partitions: int,
        clock: Clock,
        points: Points | None,
        time: Time,
        *,
        lines_alone: bool = False,
        tell: Callable[[str, Progress], None] = lambda _name, _progress: None,
    ) -> None:
        """``points`` is None where nothing is to be remembered (one-shot runs).

        ``lines_alone`` sends one line a message instead of chunks.
        """
        self._producer = producer
        self._partitions = partitions
        self._clock = clock
        self._points = points
        self._time = time
        self._lines_alone = lines_alone
        self._tell = tell
        self._next = 0
        self.lines = 0
        self.ingests: set[str] = set()
        """Those that have lines of the files shipped, from now or from a run before."""

    async def ship(self, plans: list[Plan]) -> InputError | None:
        """Ship what is new in the files; return the error of the first damaged one, if any.

        A damaged file is shipped up to the damage, the others whole.
        """
        files: dict[int, _File] = {}
        try:
            return await self._merge(plans, files)
        finally:
            for file in files.values():
                file.opening.__exit__(None, None, None)

    async def _merge(self, plans: list[Plan], files: dict[int, _File]) -> InputError | None:
        """Take the file whose turn it is, chunk by chunk; ``files`` are those open now."""
        damaged: InputError | None = None
        turn = [(plan.oldest, number) for number, plan in enumerate(plans)]
        heapq.heapify(turn)
        while turn:
            _, number = turn[0]
            try:
                when = await self._step(files, number, plans[number])
            except InputError as error:
                damaged = damaged or error
                when = None
                if number in files:
                    await self._settle(files[number], 0)
            if when is None:
                heapq.heappop(turn)
                if number in files:
                    files.pop(number).opening.__exit__(None, None, None)
            else:
                heapq.heapreplace(turn, (when, number))
        return damaged

    async def end(self, tags: Tags) -> None:
        """Say on every partition that the ingest sends no more."""
        headers = [*_headers(tags), ("control", b"end")]
        for partition in range(self._partitions):
            await self._producer.send_and_wait(TOPIC, b"", partition=partition, headers=headers)

    async def _step(self, files: dict[int, _File], number: int, plan: Plan) -> int | None:
        """Send a file's next chunk; return the time of the one after, None at its end."""
        if number not in files:
            files[number] = await asyncio.to_thread(self._open, plan)
            files[number].next = await asyncio.to_thread(next, files[number].reading, None)
        file = files[number]
        if file.next is not None:
            if self._points is not None:
                self._points.check(plan.tags.ingest)
            file.waiting.append((file.next, await self._send(file.next, plan.tags)))
        if len(file.waiting) >= IN_FLIGHT:
            await self._settle(file, IN_FLIGHT - SAVE_EVERY)
        file.next = await asyncio.to_thread(next, file.reading, None)
        if file.next is None:
            await self._settle(file, 0)
            return None
        if self._lines_alone:
            return plan.oldest
        return self._time(file.next.value, plan.tags.format) or plan.oldest

    def _open(self, plan: Plan) -> _File:
        point = _START
        if self._points is not None and plan.name != inputs.STDIN:
            point = self._points.find(plan.name)
            self.ingests |= {point.ingest} & {plan.tags.ingest}
        opening = inputs.opened(plan.name)
        opened = opening.__enter__()
        try:
            _skip(opened, plan.name, point.offset)
        except BaseException:
            opening.__exit__(None, None, None)
            raise
        return _File(plan, point, opening, opened, self._chunks(opened, plan.name, point))

    def _chunks(self, file: inputs.Opened, name: str, point: Point) -> Iterator[Chunk]:
        whole = chunks(
            lambda size: inputs.read(file, name, size), offset=point.offset, lines=point.lines
        )
        for number, chunk in enumerate(whole):
            if number == 0 and point.offset == 0:
                inputs.check_text(name, chunk.value[:65536])
            if self._lines_alone:
                yield from single(chunk)
            else:
                yield chunk

    async def _send(self, chunk: Chunk, tags: Tags) -> asyncio.Future[object]:
        partition, self._next = self._next, (self._next + 1) % self._partitions
        headers = [
            *_headers(tags),
            ("line", str(chunk.first).encode()),
            ("shipped", str(int(self._clock().timestamp() * 1000)).encode()),
        ]
        sent: asyncio.Future[object] = await self._producer.send(
            TOPIC, chunk.value, partition=partition, headers=headers
        )
        return sent

    async def _settle(self, file: _File, leave: int) -> None:
        """Await acknowledgements in order until ``leave`` are left; save how far that is."""
        last = None
        while len(file.waiting) > leave:
            chunk, future = file.waiting[0]
            await future
            file.waiting.popleft()
            file.lines += chunk.lines
            self.lines += chunk.lines
            last = chunk
        if last is not None:
            ingest = file.plan.tags.ingest
            self.ingests.add(ingest)
            if self._points is not None and file.point is not _START:
                self._points.save(file.point, last.end, last.first - 1 + last.lines, ingest)
        self._tell(file.plan.name, Progress(file.opened.position(), file.opened.size, file.lines))


def _headers(tags: Tags) -> list[tuple[str, bytes]]:
    return [
        ("site", tags.site.encode()),
        ("source", tags.source.encode()),
        ("format", tags.format.encode()),
        ("ingest", tags.ingest.encode()),
    ]


def _skip(file: inputs.Opened, name: str, offset: int) -> None:
    if offset and file.packed is None:
        file.stream.seek(offset)
        return
    while offset:
        offset -= len(block := inputs.read(file, name, min(offset, 1 << 20)))
        if not block:
            return
