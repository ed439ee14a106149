"""``partywall ship --follow``: each line once, through rotations, kill -9 and broker outages.

Two logs are written and rotated while the shipper is killed with -9 again and again, and the broker
is halted, restarted and killed. A reader takes the topic as split does: it counts the lines, and
has the records deleted once it has read them. In the end each line that was written was read once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import yaml
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from pipeline import policy
from pipeline.kafka import client, topics
from pipeline.kafka.reading import reader
from pipeline.settings import Kafka
from tests.support.kafka_server import KafkaServer, missing
from tests.support.rotated import ROTATIONS, Log

pytestmark = pytest.mark.kafka
TOPIC = "logs.web"
FAR_TOO_LONG = 180.0


def test_each_line_arrives_once_through_two_hundred_rotations(tmp_path: Path) -> None:
    """One seed, in every run of the suite."""
    _ordeal(tmp_path, seed=6, rotations=200, kills=40)


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_each_line_arrives_once_with_other_seeds(tmp_path: Path, seed: int) -> None:
    """`make test-kill-long`."""
    _ordeal(tmp_path, seed=seed, rotations=300, kills=100)


@dataclass(slots=True)
class Reader:
    """Reads the raw topic in a thread, and has deleted what it has read."""

    kafka: Kafka
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
            consumer.seek_to_beginning and await consumer.seek_to_beginning(*at)
            while not self._over.is_set():
                with contextlib.suppress(KafkaError):
                    got = await consumer.getmany(timeout_ms=200)
                    for partition, records in got.items():
                        for record in records:
                            assert record.offset == at[partition], "a record was missed"
                            at[partition] = record.offset + 1
                            if dict(record.headers).get("control") is None:
                                self.lines.update(record.value.removesuffix(b"\n").split(b"\n"))
                    if got and self.trimming.acquire(blocking=False):
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
        with (self.folder / "ship.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "ship", *self.arguments],
                stdout=log,
                stderr=log,
                env={k: v for k, v in os.environ.items() if not k.startswith("PARTYWALL_")},
            )
        self.starts += 1

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "ship.log").read_text()
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(FAR_TOO_LONG)


def _until(what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FAR_TOO_LONG
    while not done():
        assert time.monotonic() < deadline, f"{what}: not within {FAR_TOO_LONG:.0f} s"
        time.sleep(0.02)


async def _topic(kafka: Kafka) -> None:
    wanted = topics.declared(policy.load().current.retention)[TOPIC]
    admin = await client.started(lambda: client.admin(kafka), AIOKafkaAdminClient.start, 30)
    try:
        await topics.create(admin, [wanted], replication=1)
        await topics.seen(admin, [TOPIC])
    finally:
        await admin.close()


def _ordeal(folder: Path, *, seed: int, rotations: int, kills: int) -> None:
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    draw = random.Random(seed)
    logs = [
        Log(folder / "all" / "access.log", random.Random(seed + 1)),
        Log(folder / "one" / "other.log", random.Random(seed + 2)),
    ]
    with KafkaServer(folder / "kafka") as server:
        kafka = Kafka(bootstrap=server.bootstrap)
        asyncio.run(_topic(kafka))
        config = folder / "settings.yaml"
        tree = {"kafka": {"bootstrap": server.bootstrap}, "state_dir": str(folder / "state")}
        config.write_text(yaml.safe_dump(tree))
        # A folder, and a file whose rotated names nobody gives.
        what = [str(logs[0].path.parent), str(logs[1].path)]
        options = ["--format", "combined", "--config", str(config)]
        follower = Follower(folder, ["--follow", *what, *options])
        with follower, Reader(kafka) as topic:
            for log in logs:
                log.write(1, half=False)
            follower.start()
            # What a named file was rotated to before it was followed is not its lines.
            _until("it follows", lambda: topic.lines.total() == len(logs))
            faults = _faults(draw, rotations, kills)
            for number in range(rotations):
                log = draw.choice(logs)
                for _ in range(draw.randrange(1, 4)):
                    for one in logs:
                        one.write(draw.randrange(400), half=draw.random() < 0.3)
                log.rotate(draw.choice(ROTATIONS))
                for fault in faults.get(number, []):
                    _do(fault, draw, server, follower, topic, logs)
            for log in logs:
                log.write(1, half=False)
            written = [line for log in logs for line in log.written]
            try:
                _until("all is read", lambda: topic.lines.total() >= len(written))
            except AssertionError:
                lost = set(written) - topic.lines.keys()
                more = topic.lines.total() - len(topic.lines)
                pytest.fail(f"lost {len(lost)} lines, {more} more than once")
            assert follower.stop() == 0, (folder / "ship.log").read_text()
            again = Follower(folder, [*what, *options])
            again.start()
            assert again.process is not None
            assert again.process.wait(FAR_TOO_LONG) == 0, (folder / "ship.log").read_text()
            assert "shipped 0 lines" in (folder / "ship.log").read_text()
        wrong = {line: count for line, count in topic.lines.items() if count != 1}
        lost = set(written) - topic.lines.keys()
        assert (len(lost), len(wrong)) == (0, 0), f"lost {len(lost)}, not once {len(wrong)}"
        assert len(written) == topic.lines.total()
        assert topic.deleted, "no record was deleted"
        assert follower.starts > kills


def _faults(draw: random.Random, rotations: int, kills: int) -> dict[int, list[str]]:
    """Spread the faults over the rotations."""
    row = ["kill"] * kills + ["halt", "restart", "broker killed"]
    draw.shuffle(row)
    found: dict[int, list[str]] = {}
    for at, fault in enumerate(row):
        found.setdefault(at * rotations // len(row), []).append(fault)
    return found


def _do(
    fault: str,
    draw: random.Random,
    server: KafkaServer,
    follower: Follower,
    topic: Reader,
    logs: list[Log],
) -> None:
    """Let something happen; the writing and rotating goes on while a shipper is away."""
    if fault == "kill":
        before = topic.lines.total()
        if draw.random() < 0.7:
            _until("something is read", lambda: topic.lines.total() > before)
        for log in logs:
            log.write(2_000, half=True)
        time.sleep(draw.random() * 0.4)  # any moment will do
        follower.kill()
        if draw.random() < 0.5:
            log = draw.choice(logs)
            log.rotate(draw.choice(ROTATIONS))
            log.write(draw.randrange(300), half=False)
        follower.start()
    elif fault == "halt":
        server.pause()
        for log in logs:
            log.write(3_000, half=False)
            log.rotate("rename")
        time.sleep(1.0)
        follower.kill()  # with requests in the sockets of a broker that does not read
        follower.start()
        time.sleep(1.0)
        server.resume()
    elif fault == "restart":
        server.restart()
    else:
        # Its memory of what it deleted a moment ago would go with it (see delivery.py).
        with topic.trimming:
            server.kill()
            server.start()
