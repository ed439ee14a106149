"""A KMS that speaks AWS's protocol (moto), as a process of its own on the loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Final, Self

_DEADLINE: Final = 60


class KmsServer:
    """Start with ``with``; ``url`` is its endpoint. It forgets its keys when it ends."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _DEADLINE
        while not self._answers():
            assert self._process.poll() is None, "moto ended"
            assert time.monotonic() < end, "moto does not listen"
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True
