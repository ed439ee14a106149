"""Every stage as a process of its own, on a real broker, under a supervisor: to be ill-treated.

What a deployment has: two workers a stage with their own settings, and somebody who starts again
whatever ended (systemd, Kubernetes). All that is done to a process is written down with its time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson
import yaml
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from pipeline import policy
from pipeline.kafka import client, topics
from pipeline.kafka.reading import reader
from pipeline.settings import Kafka
from tests.support.kafka_server import KafkaServer, free_ports

_ROOT: Final = Path(__file__).parents[2]
_CLICKHOUSE: Final = "clickhouse"
_READY_WITHIN: Final = 90.0


@dataclass(slots=True)
class Member:
    """One process and its successors."""

    stage: str
    number: int
    command: list[str]
    process: subprocess.Popen[bytes]
    output: Path
    wanted: bool = True
    starts: int = 1
    halted: bool = False

    @property
    def name(self) -> str:
        """Stage and number."""
        return f"{self.stage}-{self.number}"


@dataclass(slots=True)
class Group:
    """Start with ``with``. ``settings`` override those of every worker, branch by branch."""

    folder: Path
    kafka: KafkaServer
    vault: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    k: int = 1
    members: list[Member] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    """Who ended by itself, and with which code."""
    _began: float = field(default_factory=time.monotonic)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _supervisor: threading.Thread | None = None
    _numbers: dict[str, int] = field(default_factory=dict)
    clickhouse_port: int = 0

    def __enter__(self) -> Self:
        """Create the topics and start the engine; workers are started with ``add``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clickhouse_port = free_ports(1)[0]
        asyncio.run(self._topics())
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """End every process."""
        self._over.set()
        if self._supervisor is not None:
            self._supervisor.join()
        for member in self.members:
            if member.process.poll() is None:
                member.process.send_signal(signal.SIGCONT)
                member.process.kill()
            member.process.wait()

    def note(self, what: str, **about: object) -> None:
        """Write down what was done, with the seconds since the start."""
        entry = {"second": round(time.monotonic() - self._began, 1), "what": what, **about}
        with self._lock, (self.folder / "faults.jsonl").open("ab") as file:
            file.write(orjson.dumps(entry) + b"\n")

    def client_settings(self) -> Kafka:
        """Return how the test itself reaches the broker."""
        return Kafka(bootstrap=self.kafka.bootstrap)

    def add(self, stage: str) -> Member:
        """Start one more worker of a stage and return it at once."""
        with self._lock:
            number = self._numbers[stage] = self._numbers.get(stage, 0) + 1
            output = self.folder / f"{stage}-{number}.log"
            command = self._command(stage, number)
            member = Member(stage, number, command, _start(command, output), output)
            self.members.append(member)
        self.note("add", who=member.name)
        return member

    def of(self, stage: str) -> list[Member]:
        """Return the workers of a stage that are meant to run."""
        with self._lock:
            return [m for m in self.members if m.stage == stage and m.wanted]

    def ready(self, member: Member) -> bool:
        """Return whether the newest start of a worker has got as far as to work."""
        line = b"listening" if member.stage == _CLICKHOUSE else b'{"ready"'
        return member.output.read_bytes().count(line) >= member.starts

    def await_ready(self) -> None:
        """Wait until every worker that is meant to run is ready."""
        for member in list(self.members):
            if member.wanted:
                self.until(f"{member.name} is ready", lambda m=member: self.ready(m))  # type: ignore[misc]

    def kill(self, member: Member) -> None:
        """Kill -9; the supervisor starts it again."""
        lag = self.lag(member.stage) if member.stage in topics.READ_BY else None
        member.process.kill()
        self.note("kill -9", who=member.name, was_ready=self.ready(member), lag=lag)

    def halt(self, member: Member) -> None:
        """SIGSTOP: alive, and deaf."""
        self.note("SIGSTOP", who=member.name)
        member.halted = True
        member.process.send_signal(signal.SIGSTOP)

    def go_on(self, member: Member) -> None:
        """SIGCONT."""
        self.note("SIGCONT", who=member.name)
        member.halted = False
        member.process.send_signal(signal.SIGCONT)

    def remove(self, member: Member) -> None:
        """Let a worker leave in good order, for good."""
        self.note("SIGTERM", who=member.name)
        member.wanted = False
        member.process.send_signal(signal.SIGTERM)

    def hold_back(self, member: Member) -> None:
        """Kill -9, and do not start it again until ``bring_back``."""
        self.note("down", who=member.name)
        member.wanted = False
        member.process.kill()
        member.process.wait()

    def bring_back(self, member: Member) -> None:
        """Start what was held back."""
        self.note("up", who=member.name)
        with self._lock:
            self._restart(member)
            member.wanted = True

    def committed(self, stage: str) -> int:
        """Return how many messages a stage has committed, over all partitions."""
        return sum(done for done, _ in asyncio.run(self._offsets(stage)).values())

    def lag(self, stage: str) -> int:
        """Return how many messages wait for a stage."""
        return sum(end - done for done, end in asyncio.run(self._offsets(stage)).values())

    def until(
        self,
        what: str,
        holds: Callable[[], bool],
        within: float = _READY_WITHIN,
        every: float = 0.1,
    ) -> None:
        """Ask until it holds; raises AssertionError with the last words of the workers."""
        if not self.soon(holds, within, every):
            lags = {stage: self.lag(stage) for stage in topics.READ_BY}
            raise AssertionError(f"not within {within} s: {what}; lags {lags}; see {self.folder}")

    def soon(self, holds: Callable[[], bool], within: float, every: float = 0.1) -> bool:
        """Ask until it holds or the time is up; return which."""
        deadline = time.monotonic() + within
        while not holds():
            if time.monotonic() > deadline:
                return False
            self.pause(every)
        return True

    def pause(self, seconds: float) -> None:
        """Let the others work for a while."""
        self._over.wait(seconds)

    async def _offsets(self, stage: str) -> dict[TopicPartition, tuple[int, int]]:
        async with reader(self.client_settings(), None) as consumer:
            wanted = [
                TopicPartition(name, number)
                for name in topics.READ_BY[stage]
                for number in range(4)
            ]
            ends = await consumer.end_offsets(wanted)
        admin = client.admin(self.client_settings())
        await admin.start()
        try:
            done = await admin.list_consumer_group_offsets(stage)
        finally:
            await admin.close()
        return {tp: (max(done[tp].offset, 0) if tp in done else 0, ends[tp]) for tp in wanted}

    async def _topics(self) -> None:
        declared = topics.declared(policy.load(None).current.retention)
        admin = await client.started(
            lambda: client.admin(self.client_settings()), AIOKafkaAdminClient.start, 30
        )
        try:
            await topics.create(admin, list(declared.values()), replication=1)
        finally:
            await admin.close()

    def _command(self, stage: str, number: int) -> list[str]:
        if stage == _CLICKHOUSE:
            script = Path(__file__).with_name("clickhouse_server.py")
            folder = self.folder / _CLICKHOUSE
            return [sys.executable, str(script), str(folder), str(self.clickhouse_port)]
        keys = self.folder / "keys"
        tree: dict[str, Any] = {
            "kafka": {"bootstrap": self.kafka.bootstrap, "session_timeout_ms": 2000},
            "keys": {
                "url": f"unix://{keys}/service.sock",
                "token_file": str(keys / "split.token"),
                "store": str(keys / "keys.sqlite"),
                "kek_file": str(keys / "kek"),
            },
            "split": {"linger_ms": 50, "batch_messages": 10},
            # Long enough that a kill finds something gathered and not yet flushed.
            "vault": {"url": str(self.vault), "flush_seconds": 1.5},
            "clickhouse": {"url": f"http://127.0.0.1:{self.clickhouse_port}"},
            "log": {"level": "info", "json_lines": True},
        }
        for name, branch in self.settings.items():
            tree[name] = tree.get(name, {}) | branch
        config = self.folder / f"{stage}-{number}.yaml"
        config.write_text(yaml.safe_dump({**tree, "k": self.k}), encoding="utf-8")
        return [sys.executable, "-m", "pipeline", "run", stage, "--config", str(config)]

    def _supervise(self) -> None:
        """Start again what ended; what ends by itself at once is started again less eagerly."""
        while not self._over.wait(0.05):
            with self._lock:
                for member in self.members:
                    code = member.process.poll()
                    if code is None or not member.wanted:
                        continue
                    if code != -signal.SIGKILL:
                        self.crashes.append(f"{member.name}: {code}")
                        self.note("ended by itself", who=member.name, code=code)
                    self._restart(member)

    def _restart(self, member: Member) -> None:
        # Lines of earlier starts are counted, so that "ready" means the newest one.
        line = b"listening" if member.stage == _CLICKHOUSE else b'{"ready"'
        member.starts = member.output.read_bytes().count(line) + 1
        member.process = _start(member.command, member.output)
        member.halted = False


def _start(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=output.parent,
            start_new_session=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("PARTYWALL_")}
            | {"POLARS_MAX_THREADS": "2", "PYTHONPATH": str(_ROOT)},
        )
