"""Files that may be replaced at any time, as a nightly update replaces them.

A file is looked at now and then, and taken up anew once it is another one. What cannot be read
leaves the content before in use.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import maxminddb

from pipeline.errors import SettingsError
from pipeline.logs import get

T = TypeVar("T")
Stamp = tuple[int, int, int]
"""Device-independent identity of a file's content: inode, modification time (ns), size."""

DAMAGE: Final = (OSError, maxminddb.InvalidDatabaseError, ValueError)
"""What a reader raises for a file that it cannot read; UnicodeDecodeError is a ValueError."""

_log = get("geo")


class Replaced(Generic[T]):
    """The content of one file, as ``read`` gives it."""

    __slots__ = ("_read", "_stamp", "content", "path", "refused")

    def __init__(self, path: Path, read: Callable[[Path], T], *, wanted: str) -> None:
        """Read the file; raises SettingsError where it cannot be, naming what is ``wanted``."""
        self.path = path
        self._read = read
        self.refused: Stamp | None = None
        try:
            self._stamp = self._current()
            self.content = read(path)
        except DAMAGE as error:
            raise SettingsError(
                f"address database {path}: cannot be read; give {wanted}"
            ) from error

    def reload(self) -> bool:
        """Take the file up if it is another one; return whether it was.

        The log names a damaged one once, by its name alone; it is tried again once it changes.
        """
        try:
            stamp = self._current()
        except OSError:
            # Gone, perhaps between removal and renaming: go on with what was read.
            return False
        if stamp == self._stamp:
            self.refused = None
            return False
        if stamp == self.refused:
            return False
        try:
            self.content = self._read(self.path)
        except DAMAGE:
            self.refused = stamp
            _log.warning(
                "address database cannot be read, the one before serves", file=self.path.name
            )
            return False
        self._stamp, self.refused = stamp, None
        return True

    def _current(self) -> Stamp:
        found = self.path.stat()
        return (found.st_ino, found.st_mtime_ns, found.st_size)
