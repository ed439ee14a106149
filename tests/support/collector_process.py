"""The collector as a process of its own, on a real broker, from tests that may be synchronous."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
import yaml

from pipeline.apps.embedded import Group
from pipeline.kafka.reading import read_all
from pipeline.settings import Kafka
from tests.support.kafka_server import free_ports


@contextmanager
def broker(folder: Path) -> Iterator[Kafka]:
    """Run the embedded broker with every topic, in a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    group = Group(folder, processes=())
    try:
        asyncio.run_coroutine_threadsafe(group.__aenter__(), loop).result(60)
        yield group.kafka()
    finally:
        asyncio.run_coroutine_threadsafe(group.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Collecting:
    """A collector's process between ``start`` and ``stop``, always at the same port."""

    def __init__(
        self,
        folder: Path,
        kafka: Kafka,
        *,
        idempotence: bool = False,
        **collect: Any,  # noqa: ANN401
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port, self._metrics = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "collect.log"
        self.accounts = folder / "state/collect.json"
        self._kafka = kafka
        self._config = folder / "settings.yaml"
        tree = {
            "kafka": {"bootstrap": kafka.bootstrap, "idempotence": idempotence},
            "collect": {"port": port, **collect},
            "metrics_port": self._metrics,
            "state_dir": str(folder / "state"),
        }
        self._config.write_text(yaml.safe_dump(tree), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self.before = 0
        """Lines that the broker had when it was started."""

    def start(self) -> None:
        """Start it and return once it listens."""
        self.before = len(self.lines())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.apps.stage", str(self._config), "collect"],
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text(encoding="utf-8")
        assert orjson.loads(line) == {"ready": ["collect"], "collector": self.url}

    def stop(self) -> None:
        """End it in order (SIGTERM); the accounts are written then."""
        if self._process is not None:
            self._process.terminate()
            code = self._process.wait(30)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None
            assert code == 0, self.log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it at once, where it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    @property
    def peak_bytes(self) -> int:
        """The most memory that the process has ever held."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def metrics(self) -> dict[str, float]:
        """Return every sample by name and labels, as they are exposed."""
        with urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode("utf-8").splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def outcomes(self) -> dict[str, int]:
        """Return requests by outcome."""
        pattern = re.compile(r'partywall_collect_outcomes_total\{outcome="(\w+)"\}')
        found = ((pattern.fullmatch(name), value) for name, value in self.metrics().items())
        return {match[1]: int(value) for match, value in found if match is not None}

    def lines(self) -> list[dict[str, Any]]:
        """Return every widget line that the broker has."""

        async def read() -> list[dict[str, Any]]:
            return [
                orjson.loads(line)
                async for record in read_all(self._kafka, "logs.widget", 4)
                for line in record.value.split(b"\n")
            ]

        return asyncio.run(read())
