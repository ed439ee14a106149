"""The key service of a folder: the one that runs, or one of our own for as long as it is needed."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.apps import keys
from pipeline.errors import PartywallError, UnavailableError
from pipeline.keys.release_client import Patience, ReleaseClient
from pipeline.settings import Settings

_START_SECONDS: Final = 30.0


@contextmanager
def key_service_of(settings: Settings) -> Iterator[str]:
    """Yield where the key service answers; starts one of our own where none does."""
    token = keys.token(settings.keys.investigations_token_file, "investigations_token_file")
    if _answers(settings.keys.url, token):
        yield settings.keys.url
        return
    # No longer than the name of the service's own: a socket's path has its limit.
    whole = Path(settings.keys.store).parent / f"{os.getpid()}.sock"
    url = f"unix://{whole}"
    service = _Service(settings, url)
    service.start()
    try:
        yield url
    finally:
        service.stop()
        whole.unlink(missing_ok=True)


def _answers(url: str, token: str) -> bool:
    try:
        with ReleaseClient(url, token, Patience(tries=1)) as client:
            client.status()
    except UnavailableError:
        return False
    return True


class _Service:
    """A key service on a thread of this process."""

    def __init__(self, settings: Settings, url: str) -> None:
        self._settings = settings
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start and wait until it listens; raises what keeps it from that."""
        self._thread.start()
        if not self._listening.wait(_START_SECONDS):
            raise UnavailableError("the key service does not start")
        if self._failure is None:
            return
        self.stop()
        if isinstance(self._failure, PartywallError):
            raise self._failure
        raise UnavailableError("the key service does not start") from self._failure

    def stop(self) -> None:
        """End it and wait until it has ended."""
        if self._task is not None and not self._task.done():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._task = self._loop.create_task(self._serve())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits
            self._failure = error
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        listening = asyncio.Event()
        told = asyncio.create_task(self._tell(listening))
        try:
            await keys.run(self._settings, listening, idle=True, url=self._url)
        finally:
            told.cancel()

    async def _tell(self, listening: asyncio.Event) -> None:
        await listening.wait()
        self._listening.set()
