"""A container is called healthy when its stage works, not when its process merely lives."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from pipeline import metrics
from tests.support.kafka_server import free_ports

CHECK = Path(__file__).parents[3] / "deploy/healthcheck.py"


def healthy(port: int, *words: str) -> bool:
    done = subprocess.run(
        [sys.executable, CHECK, *words],
        env={"PARTYWALL_METRICS_PORT": str(port)},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    assert done.stderr == b""
    return done.returncode == 0


@contextmanager
def serving(text: bytes) -> Iterator[int]:
    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("ready", "seconds", "alive_and_ready"),
    [(1, 0.5, (True, True)), (0, 0.5, (True, False)), (1, 61.0, (False, False))],
    ids=["at work", "still joining", "its loop stands still"],
)
def test_what_the_stage_says_of_itself_decides(
    ready: int, seconds: float, alive_and_ready: tuple[bool, bool]
) -> None:
    text = f"# HELP x\npartywall_ready {ready}.0\npartywall_loop_seconds {seconds}\nother 1\n"
    with serving(text.encode()) as port:
        assert (healthy(port), healthy(port, "ready")) == alive_and_ready


def test_a_process_without_metrics_of_ours_is_not_well(unused_tcp_port: int) -> None:
    assert not healthy(unused_tcp_port)
    with serving(b"other_metric 1\n") as port:
        assert not healthy(port)


async def test_a_loop_that_stands_still_is_seen_from_another_thread() -> None:
    """Prometheus' thread would go on answering for it."""
    beating = asyncio.create_task(metrics.beat())
    await asyncio.sleep(0)
    before = _loop_seconds()
    time.sleep(0.2)  # noqa: ASYNC251 -- the very thing that must show
    assert await asyncio.to_thread(_loop_seconds) >= before + 0.2
    beating.cancel()


def _loop_seconds() -> float:
    lines = generate_latest().decode().splitlines()
    return float(next(s for s in lines if s.startswith("partywall_loop_seconds")).split()[1])


def test_a_real_stage_becomes_healthy_when_it_listens(tmp_path: Path) -> None:
    [port] = free_ports(1)
    environment = {
        "PATH": os.environ["PATH"],
        "PARTYWALL_METRICS_PORT": str(port),
        "PARTYWALL_KEYS__URL": f"unix://{tmp_path}/keys.sock",
    }
    process = subprocess.Popen(
        [Path(sys.executable).parent / "partywall", "run", "keys"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"ready": ["keys"]}
        assert (tmp_path / "keys.sock").is_socket()
        assert healthy(port, "ready")
    finally:
        process.terminate()
        process.communicate(timeout=30)
