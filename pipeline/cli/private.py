"""A private folder for one run: it goes with the run, and at the next start if the run was killed.

Keys lie in it, and sealed records beside them. The lock on its marker is the owner's: the kernel
lets go of it however the owner ends, so a marker that can be locked says that nobody is there.
A folder without a marker is somebody's own, whatever its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PREFIX: Final = "partywall-"
_MARKER: Final = ".private"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Remove what killed runs have left, then yield a new folder that is removed at the end."""
    remove_left()
    folder, descriptor = _make()
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(descriptor)


def remove_left() -> None:
    """Remove the private folders of this user whose owner is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # another's folder, or one that is in use or just gone
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            descriptor = os.open(folder / _MARKER, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
            finally:
                os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a folder, its marker last: killed on the way, the next start goes on."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARKER:
            entry.unlink()
    (folder / _MARKER).unlink()
    folder.rmdir()


def _make() -> tuple[Path, int]:
    """Return a folder and its lock; one that another start has cleared away before is made anew."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = os.open(folder / _MARKER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return folder, descriptor
        os.close(descriptor)
