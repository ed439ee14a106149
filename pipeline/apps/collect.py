"""The collector as a process: a producer, a listening socket, accounts in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

import orjson
from aiokafka import AIOKafkaProducer

from pipeline.apps.left import ACCOUNTS
from pipeline.clock import stopwatch, system_clock
from pipeline.collect.accounts import Accounts
from pipeline.collect.bodies import Budget
from pipeline.collect.collector import Collector
from pipeline.collect.outbox import Outbox
from pipeline.collect.server import Server
from pipeline.errors import SettingsError
from pipeline.kafka import client
from pipeline.settings import Settings

_SAVE_SECONDS: Final = 2.0


class Worker:
    """Starts, serves until something ends it, and lets requests that are here come to an end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._budget = Budget(settings.collect.max_pending_bytes)
        self._producer: AIOKafkaProducer | None = None
        self._outbox: Outbox | None = None
        self._server: Server | None = None
        self._collector: Collector | None = None
        self._began = int(system_clock().timestamp())

    async def start(self) -> str:
        """Return the URL listened at; raises SettingsError, UnavailableError."""
        settings = self._settings.collect
        if not settings.sites and not settings.sources and not settings.demo:
            raise SettingsError(
                "setting collect.sites: name a site and its origins, as in {shop: {origins: "
                "['https://shop.example']}}, or a source of logs in collect.sources"
            )
        _save(self._path(), {})  # a folder that cannot be written to is found out now
        producer = await client.started(
            lambda: client.producer(
                self._settings.kafka,
                linger_ms=5,
                max_batch_size=1 << 20,
                request_timeout_ms=int(settings.ack_seconds * 1000),
            ),
            AIOKafkaProducer.start,
            60,
        )
        self._producer = producer
        self._outbox = Outbox(producer, self._budget)
        self._collector = Collector(settings, self._outbox, self._budget, system_clock, stopwatch)
        self._server = Server(self._collector.handle, settings)
        url = await self._server.start()
        self._collector.at(url)
        return url

    async def run(self) -> None:
        """Save the accounts now and then; raises UnavailableError where the broker refuses us."""
        if self._outbox is None:
            return
        while not self._outbox.broken.done():
            self._write()
            await asyncio.wait({self._outbox.broken}, timeout=_SAVE_SECONDS)
        raise self._outbox.broken.result()

    async def stop(self) -> None:
        """Take no more, finish what is here, and say what came of it."""
        if self._server is not None:
            await self._server.stop()
        if self._outbox is not None and self._producer is not None:
            await self._outbox.flush()
            await self._producer.stop()
        self._write()

    def _write(self) -> None:
        accounts = Accounts() if self._collector is None else self._collector.accounts
        _save(self._path(), {"since": self._began, **accounts.report()})

    def _path(self) -> Path:
        return self._settings.state_dir / ACCOUNTS


def _save(path: Path, report: dict[str, object]) -> None:
    """Replace the file as a whole; raises SettingsError."""
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(report))
        new.replace(path)
    except OSError as error:
        raise SettingsError(f"setting state_dir: cannot be written to ({error.strerror})") from None
