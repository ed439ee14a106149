"""A real Apache Kafka broker (KRaft, one node) for tests, from the jars under deploy/kafka.

Nothing here sleeps for a guessed time: every wait asks the broker and has a deadline.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
import uuid
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, Self

KAFKA: Final = Path(__file__).parents[2] / "deploy/kafka"

JAVA: Final = (
    "java",
    "-Xmx512m",
    "-Xms128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # starts in half the time; the tests do not need the peak
    "-Xshare:auto",
    f"-Dlog4j2.configurationFile={KAFKA / 'log4j2.properties'}",
    "-cp",
    f"{KAFKA / 'libs'}/*",
)
_READY_WITHIN: Final = 60.0
_STOPPED_WITHIN: Final = 30.0


def missing() -> str | None:
    """Return why no broker can be started here, or None where one can."""
    if shutil.which("java") is None:
        return "Java 17 is not installed (deploy/kafka/fetch installs it)"
    if not (KAFKA / "libs/.complete").is_file():
        return "Kafka's jars are not there (run deploy/kafka/fetch)"
    return None


class KafkaServer:
    """One broker with its data under ``folder``; topics are not created by themselves.

    ``with KafkaServer(tmp_path) as kafka: kafka.bootstrap`` starts and stops it. ``settings``
    override lines of deploy/kafka/server.properties.
    """

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """The address that clients connect to first."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        return self._running().pid

    @property
    def log(self) -> Path:
        """What the broker wrote to stdout and stderr, all starts one after another."""
        return self._folder / "broker.log"

    def start(self) -> Self:
        """Format the storage where it is new, start the broker, return once it answers."""
        if self._process is not None:
            raise RuntimeError("broker is running already")
        config = self._folder / "server.properties"
        if not config.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            self.port, controller = free_ports(2)
            config.write_text(self._properties(controller), encoding="ascii")
            self._format(config)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*JAVA, "kafka.Kafka", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,  # Ctrl-C in the terminal is for pytest, which stops us
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Shut down in good order; the data stay. Does nothing where it is not running."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would; the data stay as they are."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop (where it runs) and start again with the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open, nothing is answered."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused broker go on, and return once it answers."""
        self._running().send_signal(signal.SIGCONT)
        self._wait_until_ready()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("broker is not running")
        return self._process

    def _properties(self, controller: int) -> str:
        template = (KAFKA / "server.properties").read_text(encoding="utf-8")
        text = (
            template.replace("@PORT@", str(self.port))
            .replace("@CONTROLLER_PORT@", str(controller))
            .replace("@DATA@", str(self._folder / "data"))
        )
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        values = dict(line.split("=", 1) for line in lines) | self._settings
        return "".join(f"{key}={value}\n" for key, value in values.items())

    def _format(self, config: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One word: an id may begin with a dash, which would be taken for an option.
        named = f"--cluster-id={cluster}"
        command = [*JAVA, "kafka.tools.StorageTool", "format", named, "-c", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            config.unlink()
            raise RuntimeError(f"Kafka's storage could not be formatted: {done.stderr[-2000:]}")

    def _wait_until_ready(self) -> None:
        process = self._running()
        deadline = time.monotonic() + _READY_WITHIN
        while not _answers(self.port):
            try:
                code = process.wait(0.05)  # between two questions; sees it die at once
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
                reason = f"does not answer after {_READY_WITHIN:.0f} s"
            else:
                reason = f"ended with code {code}"
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"Kafka {reason}:\n{tail}")


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on, under the range that outgoing connections take.

    A port the kernel hands out (bind to 0) can be taken again by any client's outgoing
    connection while the broker is down for a restart; these cannot.
    """
    ports: list[int] = []
    draw = random.Random(os.urandom(8))  # two workers must not draw alike, seeded tests or not
    while len(ports) < count:
        port = draw.randrange(15000, 32000)
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


def _answers(port: int) -> bool:
    """Ask for the cluster's metadata (Metadata v1, no topics): ready once it lists the broker.

    A broker accepts connections, and even answers, before it may serve; only then is it listed.
    Format: Kafka protocol guide, request header v1.
    """
    api, version, correlation, no_client, no_topics = 3, 1, 1, -1, 0
    body = struct.pack(">hhihi", api, version, correlation, no_client, no_topics)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as wire:
            wire.sendall(struct.pack(">i", len(body)) + body)
            answer = wire.makefile("rb").read(12)
    except OSError:
        return False
    if len(answer) < 12:
        return False
    _, _, brokers = struct.unpack(">iii", answer)
    return bool(brokers > 0)
