"""A storage that counts what is read from it, and leaves nothing of it in the page cache."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.vault.storage import LocalStorage


class CountedStorage(LocalStorage):
    """A folder read without Python's buffers: ``bytes`` counts what the system is asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.bytes = 0
        self.reads = 0

    def read(self, name: str) -> bytes:
        """As in Storage."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> BinaryIO:
        """As in Storage."""
        return cast("BinaryIO", _Counted(self._root / name, self))


class _Counted(io.FileIO):
    """A file that adds up what is read, and lets its pages go when it is closed."""

    def __init__(self, path: Path, storage: CountedStorage) -> None:
        super().__init__(path, "rb")
        self._storage = storage

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size) or b""
        self._storage.reads += 1
        self._storage.bytes += len(data)
        return data

    def close(self) -> None:
        if not self.closed:
            os.posix_fadvise(self.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        super().close()


def let_go(folder: Path) -> None:
    """Have the system forget what it holds of a folder's files."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
