"""Connections: how many at a time, how long an idle or a slow one stays, and what is no HTTP.

aiohttp closes a connection whose request's head is not whole within ``idle_seconds``, drip by drip
or not, keeps few pipelined requests, and stops reading from who sends faster than is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from pipeline import metrics
from pipeline.errors import SettingsError
from pipeline.settings import Collect

_SPARE_FILES: Final = 256
"""Descriptors kept for the broker, the metrics, files."""
_LINGER_SECONDS: Final = 2.0
_DRAIN_SECONDS: Final = 4.0
_BACKLOG: Final = 4096
_READ_BUFFER: Final = 16 * 1024

_silent = logging.getLogger("pipeline.collect.aiohttp")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False
"""aiohttp would log each broken request with its sender's address."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Door(web.Server):
    """Makes a handler for each connection, and closes those that are too many."""

    def __init__(self, handler: Handler, most: int, idle_seconds: float) -> None:
        super().__init__(
            handler,
            access_log=None,
            logger=_silent,
            auto_decompress=False,
            keepalive_timeout=idle_seconds,
            lingering_time=_LINGER_SECONDS,
            read_bufsize=_READ_BUFFER,
        )
        self._most = most
        self.open = 0

    def __call__(self) -> asyncio.Protocol:  # type: ignore[override] # the one who calls is asyncio
        """Be the protocol factory of a listening socket: each call is a connection."""
        if self.open >= self._most:
            metrics.COLLECT_TURNED_AWAY.inc()
            return _TurnedAway()
        self.open += 1
        metrics.COLLECT_CONNECTIONS.set(self.open)
        return _Connection(self, loop=asyncio.get_running_loop(), **self._kwargs)

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Count it no more."""
        super().connection_lost(handler, exc)
        self.open -= 1
        metrics.COLLECT_CONNECTIONS.set(self.open)


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Connection(web.RequestHandler):
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP without quoting it, and close."""
        del request, exc, message
        metrics.COLLECT_NOT_HTTP.inc()
        response = web.Response(status=status, text="this is no request\n")
        response.force_close()
        return response


class Server:
    """Listens for a handler between ``start`` and ``stop``."""

    def __init__(self, handler: Handler, settings: Collect) -> None:
        self._settings = settings
        self._door = Door(handler, _affordable(settings.max_connections), settings.idle_seconds)
        self._listener: asyncio.Server | None = None

    async def start(self) -> str:
        """Return the URL listened at; raises SettingsError where that is not possible."""
        host, port = self._settings.host, self._settings.port
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise SettingsError(
                f"setting collect: cannot listen at {host} port {port} ({error.strerror})"
            ) from None
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._door, sock=listener, backlog=_BACKLOG)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{listener.getsockname()[1]}"

    async def stop(self) -> None:
        """Take no more connections, let requests that are here come to their end."""
        if self._listener is not None:
            self._listener.close()
        self._door.pre_shutdown()
        await self._door.shutdown(_DRAIN_SECONDS)


def _affordable(wanted: int) -> int:
    """Return how many connections there may be, having asked for as many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + _SPARE_FILES
    if soft < need:
        more = need if hard == resource.RLIM_INFINITY else min(need, hard)
        with contextlib.suppress(OSError, ValueError):  # a unit may forbid the call
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return max(1, min(wanted, soft - _SPARE_FILES))
