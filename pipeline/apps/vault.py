"""The vault writer: sealed batches into segments; acknowledged when they are durable."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog
from faust.types import EventT, StreamT

from pipeline import policy
from pipeline.clock import system_clock
from pipeline.errors import IntegrityError, PartywallError
from pipeline.kafka import topics, worker
from pipeline.metrics import SEGMENTS
from pipeline.settings import Settings
from pipeline.vault.manifest import folders
from pipeline.vault.storage import Storage, storage_at
from pipeline.vault.upkeep import upkeep
from pipeline.vault.writer import SegmentWriter

_log = structlog.get_logger(__name__)
_UPKEEP_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 2.0
"""Between looks whether the first partition has come to us."""


@dataclass(slots=True)
class _Open:
    """One partition: its writer, the last offset it has, and what waits for the next flush."""

    writer: SegmentWriter
    position: int
    events: list[EventT[bytes]] = field(default_factory=list)
    due: float = float("inf")


class Worker:
    """All partitions of vault.sealed that this process has."""

    def __init__(self, settings: Settings) -> None:
        """Read policy and topics; raises SettingsError."""
        self._settings = settings
        retention = policy.load(settings.policy).current.retention
        self._vault_days = retention.vault_days
        declared = topics.declared(retention)
        self._queue: asyncio.Queue[tuple[int, EventT[bytes]]] = asyncio.Queue(64)
        self.app = worker.app("vault", settings.kafka, declared["vault.sealed"].partitions)
        source = self.app.topic("vault.sealed", value_type=bytes, value_serializer="raw")
        self.app.agent(source, name="vault")(worker.guard(self.run))
        # Another worker goes on from the manifest; what was not flushed here is read again.
        self._held = worker.Held(self.app, self._open)

    async def run(self, stream: StreamT[bytes]) -> None:
        """Gather by size and age, flush, acknowledge."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fill(stream))
            group.create_task(self._keep_up())
            while True:
                await self._take()
                await self._flush_due()

    async def _keep_up(self) -> None:
        """Bind days that are over and remove what is past its time, in all folders of the vault.

        One worker does it for all: whoever has the first partition. It is not urgent, and must
        keep nothing from being sealed: what fails is told, and tried again.
        """
        while True:
            if not any(log.partition == 0 for log in self.app.consumer.assignment()):
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            try:
                storage = storage_at(self._settings.vault.url)
                for folder in await asyncio.to_thread(folders, storage):
                    await asyncio.to_thread(keep_up, storage, folder, self._vault_days)
            except PartywallError as error:
                _log.error("the vault's upkeep waits", error=error)
            await asyncio.sleep(_UPKEEP_SECONDS)

    async def _fill(self, stream: StreamT[bytes]) -> None:
        async for event in stream.noack().events():  # type: ignore[attr-defined]
            await self._queue.put((self._held.generation, event))

    async def _take(self) -> None:
        """Take what comes until the next flush is due."""
        loop = asyncio.get_running_loop()
        due = min((one.due for one in self._held.values()), default=float("inf"))
        try:
            async with asyncio.timeout(max(min(due - loop.time(), 60.0), 0.0)):
                generation, event = await self._queue.get()
        except TimeoutError:
            return
        partition, offset = worker.offset(event)
        one = await self._held.of(partition)
        if generation != self._held.generation:
            return  # from before a rebalance: whoever has the partition now reads it again
        if one.position >= 0:
            await worker.follows(self.app, event, one.position)
        try:
            await asyncio.to_thread(one.writer.add, offset, event.value)
        except IntegrityError:
            # Whoever has the broker drop it drops all that is before it: let that be stored.
            _log.error("a sealed message is damaged", partition=partition, offset=offset)
            one.due = loop.time()
            await self._flush_due()
            raise
        one.position = max(one.position, offset)
        one.events.append(event)
        one.due = min(one.due, loop.time() + self._settings.vault.flush_seconds)
        if one.writer.pending_bytes >= self._settings.vault.flush_bytes:
            one.due = loop.time()

    async def _open(self, partition: int) -> _Open:
        writer = SegmentWriter(self._settings.vault.url, partition, log=self._settings.vault.log)
        found: list[int] = []

        async def attempt() -> None:
            found.append(await asyncio.to_thread(writer.open))

        await worker.patiently("vault", attempt)
        return _Open(writer, found[-1] - 1)

    async def _flush_due(self) -> None:
        now = asyncio.get_running_loop().time()
        for one in self._held.values():
            if one.due > now:
                continue
            events, one.events, one.due = one.events, [], float("inf")

            async def attempt(writer: SegmentWriter = one.writer) -> None:
                await asyncio.to_thread(writer.flush)

            await worker.patiently("vault", attempt)
            SEGMENTS.inc()
            for event in events:
                event.ack()


def keep_up(storage: Storage, folder: str, vault_days: int) -> None:
    """Do a folder's upkeep; one that fails is told, and holds no other up."""
    try:
        done = upkeep(storage, folder, system_clock(), vault_days)
    except PartywallError as error:
        _log.error("the vault's upkeep waits", folder=folder, error=error)
        return
    if done.bound or done.expired:
        _log.info("upkeep", folder=folder, volumes=done.bound, expired=done.expired)
