"""The socket and the server behind it: no access log, and no signals of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from pipeline.errors import SettingsError, UnavailableError

_HEAD_BYTES: Final = 16 * 1024
_AT_ONCE: Final = 256
_IDLE_SECONDS: Final = 15
_DRAIN_SECONDS: Final = 4


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process that runs us among others."""
        yield


def listen(host: str, port: int, branch: str) -> socket.socket:
    """Return a socket that listens, so that its port is known; raises SettingsError.

    ``branch`` is the settings' branch that says where.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"setting {branch}: cannot listen at {host} port {port} ({error.strerror})"
        ) from None


class Server:
    """Serves an app on a socket between ``start`` and ``stop``."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_AT_ONCE,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
                h11_max_incomplete_event_size=_HEAD_BYTES,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once it serves; raises what the server ends with where it does not come up."""
        self._task = asyncio.create_task(self._server.serve([self._listener]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise UnavailableError("the server of the pages does not start")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Take no more requests, and let those that are here come to their end."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
