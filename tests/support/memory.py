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

_MEMORY: Final = Path("/dev/shm")
_ROOM: Final = 1 << 30


@contextmanager
def folder_in_memory(otherwise: Path) -> Iterator[Path]:
    """Yield an empty folder that is gone afterwards; ``otherwise`` where memory has no room."""
    if not _has_room():
        yield otherwise
        return
    folder = Path(tempfile.mkdtemp(prefix="partywall-", dir=_MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _has_room() -> bool:
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(_MEMORY)
    return found.f_bavail * found.f_frsize >= _ROOM
