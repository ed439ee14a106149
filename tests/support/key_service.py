"""A key service in a thread of its own, for clients that wait for their answers."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from pipeline.keys.service import KeyService


class ThreadedService:
    """Start with ``with``; the service listens at ``url`` until the end."""

    def __init__(self, service: KeyService, url: str) -> None:
        self._service = service
        self.url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._service.start(self.url), self._loop).result(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._service.stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()
