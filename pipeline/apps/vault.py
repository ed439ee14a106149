"""The vault writer: sealed batches into segments; acknowledged when they are durable."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.types import EventT, StreamT

from pipeline import policy
from pipeline.kafka import topics, worker
from pipeline.logs import get
from pipeline.metrics import SEGMENTS
from pipeline.settings import Settings
from pipeline.vault.writer import SegmentWriter

_log = get("vault")


class Worker:
    """All partitions of vault.sealed that this process has."""

    def __init__(self, settings: Settings) -> None:
        """Read policy and topics; raises SettingsError."""
        self._settings = settings
        declared = topics.declared(policy.load(settings.policy).current.retention)
        self._writers: dict[int, SegmentWriter] = {}
        self._events: dict[int, list[EventT[bytes]]] = {}
        self._due: dict[int, float] = {}
        self.app = worker.app("vault", settings.kafka, declared["vault.sealed"].partitions)
        source = self.app.topic("vault.sealed", value_type=bytes, value_serializer="raw")
        self.app.agent(source, name="vault")(worker.guard(self.run))
        self.app.on_partitions_revoked.connect(self._revoked)

    async def run(self, stream: StreamT[bytes]) -> None:
        """Gather by size and age, flush, acknowledge."""
        queue: asyncio.Queue[EventT[bytes]] = asyncio.Queue(64)
        async with asyncio.TaskGroup() as group:
            group.create_task(_fill(stream, queue))
            while True:
                await self._take(queue)
                await self._flush_due()

    async def _take(self, queue: asyncio.Queue[EventT[bytes]]) -> None:
        """Take what comes until the next flush is due."""
        now = asyncio.get_running_loop().time()
        wait = min(self._due.values(), default=now + 60) - now
        try:
            async with asyncio.timeout(max(wait, 0.0)):
                event = await queue.get()
        except TimeoutError:
            return
        partition, offset = worker.offset(event)
        writer = await self._writer(partition)
        await asyncio.to_thread(writer.add, offset, event.value)
        self._events.setdefault(partition, []).append(event)
        loop = asyncio.get_running_loop()
        self._due.setdefault(partition, loop.time() + self._settings.vault.flush_seconds)
        if writer.pending_bytes >= self._settings.vault.flush_bytes:
            self._due[partition] = loop.time()

    async def _writer(self, partition: int) -> SegmentWriter:
        if partition not in self._writers:
            writer = SegmentWriter(self._settings.vault.url, partition)

            async def attempt() -> None:
                await asyncio.to_thread(writer.open)

            await worker.patiently("vault", attempt)
            self._writers[partition] = writer
        return self._writers[partition]

    async def _flush_due(self) -> None:
        now = asyncio.get_running_loop().time()
        for partition in [p for p, due in self._due.items() if due <= now]:
            writer = self._writers.get(partition)
            events = self._events.pop(partition, [])
            del self._due[partition]
            if writer is None:
                continue

            async def attempt(one: SegmentWriter = writer) -> None:
                await asyncio.to_thread(one.flush)

            await worker.patiently("vault", attempt)
            SEGMENTS.inc()
            for event in events:
                event.ack()

    async def _revoked(self, app: Any, revoked: Any, **_: object) -> None:
        # Another worker goes on from the manifest; what was not flushed here it reads again.
        del app, revoked
        self._writers.clear()
        self._events.clear()
        self._due.clear()


async def _fill(stream: StreamT[bytes], queue: asyncio.Queue[EventT[bytes]]) -> None:
    async for event in stream.noack().events():
        await queue.put(event)
