"""The loader: released rows into ClickHouse, in batches, until it has them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import polars as pl
from aiohttp import web
from faust.types import EventT, StreamT

from pipeline import policy
from pipeline.apps.engine import engine
from pipeline.clickhouse.client import connect
from pipeline.clickhouse.endpoint import application
from pipeline.clickhouse.loader import Loader
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import Reader
from pipeline.errors import SettingsError
from pipeline.kafka import topics, worker
from pipeline.logs import get
from pipeline.metrics import ROWS_LOADED
from pipeline.rows import RollupsHeader, decode_rollups
from pipeline.settings import Settings

_log = get("load")
GATHER: Final = 256
"""So many messages go into one insert at most."""
LINGER: Final = 0.2
"""So many seconds the first of them waits for others: an insert costs more than its rows."""

Rollups = tuple[RollupsHeader, pl.DataFrame]
"""What a message says."""


class Worker:
    """All rollups partitions of this process, and the embedded engine's endpoint."""

    def __init__(self, settings: Settings) -> None:
        """Read policy and topics; raises SettingsError."""
        self._settings = settings
        self._current = policy.load(settings.policy).current
        declared = topics.declared(self._current.retention)
        self._engine = engine(settings.clickhouse)
        self._loader: Loader | None = None
        self._ready = asyncio.Event()
        self.app = worker.app("load", settings.kafka, declared["rollups"].partitions)
        source = self.app.topic("rollups", value_type=bytes, value_serializer="raw")
        self.app.agent(source, name="load")(worker.guard(self.run))
        self._seen = worker.Held(self.app, _nothing)

    async def open(self) -> str | None:
        """Connect, migrate, and serve the embedded engine; return the endpoint's address."""
        clients: list[Any] = []

        async def attempt() -> None:
            client = await asyncio.to_thread(connect, self._engine)
            await asyncio.to_thread(
                lambda: migrate(client, rollups_days=self._current.retention.rollups_days)
            )
            clients.append(client)

        await worker.patiently("clickhouse", attempt)
        self._loader = Loader(clients[-1])
        self._ready.set()
        if self._engine.path is None:
            return None
        reader = await asyncio.to_thread(Reader.open, self._engine)
        runner = web.AppRunner(application(reader), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._settings.clickhouse.endpoint_port)
        await site.start()
        port = runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    async def run(self, stream: StreamT[bytes]) -> None:
        """Gather what has come, insert it, acknowledge it."""
        await self._ready.wait()
        queue: asyncio.Queue[EventT[bytes]] = asyncio.Queue(GATHER)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fill(stream, queue))
            while True:
                gathered = await _gathered(queue)
                await self._load([rollups for _, rollups in gathered])
                for event, _ in gathered:
                    event.ack()

    async def _fill(self, stream: StreamT[bytes], queue: asyncio.Queue[EventT[bytes]]) -> None:
        """Hand events on in their order, none passed over: acknowledging one says all are in."""
        async for event in stream.noack().events():  # type: ignore[attr-defined]
            partition, offset = worker.offset(event)
            seen = await self._seen.of(partition)
            if seen:
                await worker.follows(self.app, event, seen[0])
            seen[:] = [offset]
            await queue.put(event)

    async def _load(self, batch: list[Rollups]) -> None:
        loader = self._loader
        if loader is None:
            raise SettingsError("the loader was not opened")

        async def attempt() -> None:
            ROWS_LOADED.inc(await asyncio.to_thread(loader.load, batch))

        await worker.patiently("clickhouse", attempt)


async def _gathered(queue: asyncio.Queue[EventT[bytes]]) -> list[tuple[EventT[bytes], Rollups]]:
    """Return what has come, and what comes while it is waited for; an ingest's end is the last."""
    gathered: list[tuple[EventT[bytes], Rollups]] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as waiting:
            while len(gathered) < GATHER:
                event = await queue.get()
                rollups = decode_rollups(event.value)
                gathered.append((event, rollups))
                if rollups[0].finished:
                    break
                if len(gathered) == 1:
                    waiting.reschedule(asyncio.get_running_loop().time() + LINGER)
    return gathered


async def _nothing(_: int) -> list[int]:
    return []
