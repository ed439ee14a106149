"""A folder in memory, for tests that write and sync very many small files.

What they prove is which bytes are where after which call, not how a disk spins. Tests that go by
what a disk's file system does (inodes given anew, say) stay on it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_MEMORY: Final = Path("/dev/shm")
_ROOM: Final = 1 << 30


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """The folder of a test, in memory where that has room: for a ``conftest.py`` to import."""
    if not memory_has_room():
        yield tmp_path
        return
    with folder_in_memory() as folder:
        yield folder


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Yield an empty folder that is gone afterwards; on the disk where memory has no room."""
    place = _MEMORY if memory_has_room() else None
    folder = Path(tempfile.mkdtemp(prefix="partywall-", dir=place))
    try:
        # Beside it a test may put what belongs to it, as under pytest's own.
        own = folder / "own"
        own.mkdir()
        yield own
    finally:
        shutil.rmtree(folder)


def memory_has_room() -> bool:
    """Tell whether a gigabyte can be written into memory as if it was a disk."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(_MEMORY)
    return found.f_bavail * found.f_frsize >= _ROOM
