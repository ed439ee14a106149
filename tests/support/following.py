"""A shipper as a process that is killed and started again, and a reader of what it has shipped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from pipeline.kafka import client
from pipeline.kafka.reading import reader
from pipeline.settings import Kafka

TOPIC: Final = "logs.web"


@dataclass(slots=True)
class Reader:
    """Reads the raw topic in a thread, and has deleted what it has read."""

    kafka: Kafka
    deletes: bool = True
    lines: Counter[bytes] = field(default_factory=Counter)
    deleted: int = 0
    trimming: threading.Lock = field(default_factory=threading.Lock)
    """Held while records are deleted."""
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _failed: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self._failed and error is None:
            raise self._failed[0]

    def _run(self) -> None:
        try:
            asyncio.run(self._read())
        except BaseException as error:  # noqa: BLE001 -- raised where the test waits
            self._failed.append(error)

    async def _read(self) -> None:
        at = {TopicPartition(TOPIC, number): 0 for number in range(4)}
        async with reader(self.kafka) as consumer:
            consumer.assign(list(at))
            await consumer.seek_to_beginning(*at)
            while not self._over.is_set():
                with contextlib.suppress(KafkaError):
                    got = await consumer.getmany(timeout_ms=200)
                    for partition, records in got.items():
                        for record in records:
                            assert record.offset == at[partition], "a record was missed"
                            at[partition] = record.offset + 1
                            if dict(record.headers).get("control") is None:
                                self.lines.update(record.value.removesuffix(b"\n").split(b"\n"))
                    if got and self.deletes and self.trimming.acquire(blocking=False):
                        try:
                            await self._trim({tp: at[tp] for tp in got})
                        finally:
                            self.trimming.release()

    async def _trim(self, upto: dict[TopicPartition, int]) -> None:
        try:
            admin = await client.started(
                lambda: client.admin(self.kafka), AIOKafkaAdminClient.start, 5
            )
        except Exception:  # noqa: BLE001 -- the broker is away; another time
            return
        try:
            await admin.delete_records(
                {tp: RecordsToDelete(before_offset=offset) for tp, offset in upto.items()}
            )
            self.deleted += 1
        finally:
            await admin.close()


@dataclass(slots=True)
class Follower:
    """The command as a process, and its successors."""

    folder: Path
    arguments: list[str]
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def start(self) -> None:
        """Start it, and return at once."""
        with (self.folder / "ship.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "ship", *self.arguments],
                stdout=log,
                stderr=log,
                env={k: v for k, v in os.environ.items() if not k.startswith("PARTYWALL_")},
            )
        self.starts += 1

    def kill(self) -> None:
        """Kill -9."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "ship.log").read_text()
        self.process.kill()
        self.process.wait()

    def settled(self) -> bool:
        """Return whether nothing is noted as being under way."""
        points = self.folder / "state/ship.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{points}?mode=ro", uri=True)) as base:
            (under_way,) = base.execute("SELECT count(*) FROM pending").fetchone()
            return int(under_way) == 0

    def stop(self, within: float) -> int:
        """SIGTERM; return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)
