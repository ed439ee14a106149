"""The shipper: chunks into the raw topic, acknowledged in order, resumed where they were left."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer

from pipeline.clock import Clock
from pipeline.shipping import inputs
from pipeline.shipping.chunks import Chunk, chunks, single
from pipeline.shipping.resume import Point, Points

IN_FLIGHT: Final = 64
"""So many messages wait for their acknowledgement at most: the broker sets the pace."""
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
class Progress:
    """How far a file has come: stored bytes read of all, lines acknowledged in this run."""

    position: int
    size: int | None
    lines: int


class Shipper:
    """Ships files one after the other over one producer."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        partitions: int,
        clock: Clock,
        points: Points | None,
        *,
        lines_alone: bool = False,
    ) -> None:
        """``points`` is None where nothing is to be remembered (standard input, one-shot runs)."""
        self._producer = producer
        self._partitions = partitions
        self._clock = clock
        self._points = points
        self._lines_alone = lines_alone
        self._next = 0

    async def ship(
        self, name: str, tags: Tags, tell: Callable[[Progress], None] = lambda _: None
    ) -> int:
        """Ship what is new in a file and return how many lines; raises InputError."""
        remembered = self._points is not None and name != inputs.STDIN
        point = self._points.find(name) if self._points is not None and remembered else _START
        shipped = 0
        waiting: deque[tuple[Chunk, asyncio.Future[object]]] = deque()
        with inputs.opened(name) as file:
            _skip(file, name, point.offset)
            reading = self._chunks(file, name, point)
            try:
                while (chunk := await asyncio.to_thread(next, reading, None)) is not None:
                    waiting.append((chunk, await self._send(chunk, tags)))
                    if len(waiting) >= IN_FLIGHT:
                        shipped += await self._settle(waiting, point, IN_FLIGHT - SAVE_EVERY)
                        tell(Progress(file.position(), file.size, shipped))
            finally:
                # What was sent is settled also where the file turned out to be damaged.
                shipped += await self._settle(waiting, point, 0)
            tell(Progress(file.position(), file.size, shipped))
        return shipped

    async def end(self, tags: Tags) -> None:
        """Say on every partition that the ingest sends no more."""
        headers = [*self._headers(tags), ("control", b"end")]
        for partition in range(self._partitions):
            await self._producer.send_and_wait(TOPIC, b"", partition=partition, headers=headers)

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
            *self._headers(tags),
            ("line", str(chunk.first).encode()),
            ("shipped", str(int(self._clock().timestamp() * 1000)).encode()),
        ]
        sent: asyncio.Future[object] = await self._producer.send(
            TOPIC, chunk.value, partition=partition, headers=headers
        )
        return sent

    @staticmethod
    def _headers(tags: Tags) -> list[tuple[str, bytes]]:
        return [
            ("site", tags.site.encode()),
            ("source", tags.source.encode()),
            ("format", tags.format.encode()),
            ("ingest", tags.ingest.encode()),
        ]

    async def _settle(
        self,
        waiting: deque[tuple[Chunk, asyncio.Future[object]]],
        point: Point,
        leave: int,
    ) -> int:
        """Await acknowledgements in order until ``leave`` are left; save how far that is."""
        lines = 0
        last = None
        while len(waiting) > leave:
            chunk, future = waiting[0]
            await future
            waiting.popleft()
            lines += chunk.lines
            last = chunk
        if last is not None and self._points is not None and point is not _START:
            self._points.save(point, last.end, last.first - 1 + last.lines)
        return lines


_START: Final = Point(0, 0, 0, "", 0, 0)


def _skip(file: inputs.Opened, name: str, offset: int) -> None:
    if offset and file.packed is None:
        file.stream.seek(offset)
        return
    while offset:
        offset -= len(block := inputs.read(file, name, min(offset, 1 << 20)))
        if not block:
            return
