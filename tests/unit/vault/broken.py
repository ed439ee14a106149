"""Storages that fail or die where a test wants it."""

from __future__ import annotations

from typing import BinaryIO

from pipeline.vault.storage import Storage


class Killed(BaseException):
    """The process ends here: nothing of ours may catch it."""


class Breaking:
    """Does ``steps`` writing steps, then raises ``error`` before or after the next one."""

    def __init__(
        self, inner: Storage, steps: int, error: type[BaseException], *, after: bool = False
    ) -> None:
        self._inner = inner
        self.steps = steps
        self._error = error
        self._after = after

    def put(self, name: str, data: bytes) -> None:
        self._step()
        self._inner.put(name, data)
        self._done()

    def create(self, name: str, data: bytes) -> bool:
        self._step()
        made = self._inner.create(name, data)
        self._done()
        return made

    def read(self, name: str) -> bytes:
        return self._inner.read(name)

    def open(self, name: str) -> BinaryIO:
        return self._inner.open(name)

    def names(self, folder: str) -> list[str]:
        return self._inner.names(folder)

    def folders(self) -> list[str]:
        return self._inner.folders()

    def remove(self, name: str) -> None:
        self._inner.remove(name)

    def drop(self, folder: str) -> None:
        self._inner.drop(folder)

    def clean(self, folder: str) -> None:
        self._inner.clean(folder)

    def _step(self) -> None:
        if self.steps == 0 and not self._after:
            raise self._error("no space left on device")
        self.steps -= 1

    def _done(self) -> None:
        if self.steps < 0 and self._after:
            raise self._error("answer lost")
