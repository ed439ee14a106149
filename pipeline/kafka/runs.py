"""A log of runs in a compacted topic: state and the offset it covers under one key.

The state of a partition is a deterministic function of the prefix of the log it has read. So a
run is named by the offsets it covers: ``(start, end]``. Writing the same run twice is harmless,
and a worker that was paused and wakes up after another took over can only write and delete what is
consistent with what is there: runs may then overlap, never disagree. A reader takes the fewest
that cover the offsets without a gap, and of each only the rows past the one before.

The topic is written and read without Faust's tables, though it is the changelog one would have.
Their writes are not awaited, and the flush before a commit gives up after a tenth of a second
without progress (``ProducerBuffer.flush_atmost``), so an offset could be committed ahead of its
state; and their recovery passes over whatever raises (``Recovery._slurp_changelogs``), so a state
could come back with holes. Here each write waits for the broker's acknowledgement, and a state is
read to the topic's end when its partition is opened, which is after every write of whoever had the
partition before could count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import faust
from aiokafka import TopicPartition

from pipeline.kafka import worker
from pipeline.kafka.reading import read_one, reader
from pipeline.settings import Kafka

_BEFORE_ALL: Final = -1


class Store(Protocol):
    """Values by key, a partition at a time."""

    async def read(self, partition: int) -> dict[bytes, bytes]:
        """Return the newest value of every key that was not deleted."""

    async def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Write a value, or delete it where it is None; return when that is durable."""


class Changelog:
    """A compacted topic as a store."""

    def __init__(self, app: faust.App, kafka: Kafka, topic: str) -> None:
        """``app`` writes; each reading opens a consumer of its own."""
        self._app = app
        self._kafka = kafka
        self._topic = topic

    async def read(self, partition: int) -> dict[bytes, bytes]:
        """As in Store; raises UnavailableError where no broker answers."""
        found: dict[bytes, bytes] = {}
        async with reader(self._kafka) as consumer:
            async for record in read_one(consumer, TopicPartition(self._topic, partition)):
                if record.value is None:
                    found.pop(record.key, None)
                else:
                    found[record.key] = record.value
        return found

    async def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """As in Store."""
        await worker.send(self._app, self._topic, partition, value, key)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Offsets ``(start, end]`` of the log that a run stands for."""

    start: int
    end: int


class RunLog:
    """The runs of one partition, oldest first. Values are opaque bytes below the message limit."""

    def __init__(self, store: Store, partition: int, held: dict[bytes, bytes]) -> None:
        """``held`` is what the store has of the partition; see ``open``."""
        self._store = store
        self._partition = partition
        self._values = {_span(key): value for key, value in held.items()}
        self.spans, self._stale = cover(list(self._values))

    @classmethod
    async def open(cls, store: Store, partition: int) -> RunLog:
        """Read what there is, and delete what a crash between two writes or a zombie left."""
        log = cls(store, partition, await store.read(partition))
        while log._stale:
            await log._delete(log._stale.pop())
        return log

    def __repr__(self) -> str:
        return f"RunLog(partition={self._partition}, runs={len(self.spans)})"

    @property
    def position(self) -> int:
        """The last offset that the state covers, -1 where there is none."""
        return self.spans[-1].end if self.spans else _BEFORE_ALL

    def read(self) -> Iterator[tuple[Span, int, bytes]]:
        """Yield each run with the offset up to which earlier runs have said it all."""
        after = _BEFORE_ALL
        for span in self.spans:
            yield span, after, self._values[span]
            after = span.end

    async def append(self, end: int, value: bytes) -> Span:
        """Add the run that reaches to ``end``; returns when the broker has it."""
        span = Span(self.spans[-1].end if self.spans else end - 1, end)
        await self._put(span, value)
        self.spans.append(span)
        return span

    async def merge(self, spans: list[Span], value: bytes) -> Span:
        """Put one run in the place of several adjacent ones and return it."""
        merged = Span(spans[0].start, spans[-1].end)
        await self._put(merged, value)
        where = self.spans.index(spans[0])
        self.spans[where : where + len(spans)] = [merged]
        for span in spans:
            await self._delete(span)
        return merged

    async def drop_before(self, span: Span) -> None:
        """Forget every run older than ``span``, oldest first."""
        while self.spans and self.spans[0] != span:
            await self._delete(self.spans[0])
            del self.spans[0]

    async def _put(self, span: Span, value: bytes) -> None:
        await self._store.put(self._partition, _key(span), value)
        self._values[span] = value

    async def _delete(self, span: Span) -> None:
        await self._store.put(self._partition, _key(span), None)
        self._values.pop(span, None)


def cover(found: list[Span]) -> tuple[list[Span], list[Span]]:
    """Return the fewest spans that cover the newest offsets without a gap, and all others.

    What lies before a gap was dropped on purpose, since runs are only dropped oldest first: a run
    there was written again by a worker that woke up late.
    """
    kept: list[Span] = []
    waiting = sorted(found, key=lambda span: (span.start, span.end))
    while waiting:
        end = kept[-1].end if kept else waiting[0].start
        reachable = [span for span in waiting if span.start <= end]
        if not reachable:
            kept = []
            continue
        best = max(reachable, key=lambda span: span.end)
        if best.end > end:
            kept.append(best)
        waiting = waiting[len(reachable) :]
    needed = set(kept)
    return kept, [span for span in found if span not in needed]


def _key(span: Span) -> bytes:
    return f"{span.start}:{span.end}".encode()


def _span(key: bytes) -> Span:
    start, end = key.split(b":")
    return Span(int(start), int(end))
