"""Where a file was left: so that what was acknowledged once is never read again.

The points are nobody else's: they tell which files there are, and by the digest of a short and
guessable beginning perhaps what is in them.

A file is known by device, inode and a digest of its first bytes, not by its name: rotation
renames files, and a new file may get an old inode.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

import orjson

from pipeline.errors import InputError, SettingsError, UsageError

_HEAD: Final = 1024


@dataclass(frozen=True, slots=True)
class Point:
    """How far a file was shipped.

    ``offset`` counts decompressed bytes, ``lines`` the lines before it; ``head`` is how many
    stored bytes the digest covers; ``ingest`` is the one that had its last lines.
    """

    device: int
    inode: int
    head: int
    digest: str
    offset: int
    lines: int
    ingest: str = ""


class Points:
    """The resume points of one shipper, in one small file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        """Read the file where there is one; raises SettingsError where it cannot be used."""
        self._path = path
        self._points: list[Point] = []
        self._ended: set[str] = set()
        self._lock = -1
        self._read()

    def __enter__(self) -> Self:
        """Have the points to oneself; raises UsageError where another shipper has them.

        Of two that ship at once, each would write over what the other had sent.
        """
        try:
            self._lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.__exit__()
            if isinstance(error, BlockingIOError):
                raise UsageError(
                    f"another `partywall ship` is at work with the resume points {self._path}: "
                    "wait for its end, or give this one a state_dir of its own"
                ) from None
            raise self._unusable() from None
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        """Let others have them."""
        if self._lock >= 0:
            # Said, not left to the closing: a process that is forked just now has it open too.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
        self._lock = -1

    def _read(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._path.exists():
                kept = orjson.loads(self._path.read_bytes())
                # A list of files alone is what an older version wrote.
                whole = kept if isinstance(kept, dict) else {"files": kept, "ended": []}
                self._points = [Point(**entry) for entry in whole["files"]]
                self._ended = {str(ingest) for ingest in whole["ended"]}
        except (OSError, orjson.JSONDecodeError, TypeError, KeyError):
            raise self._unusable() from None

    def _unusable(self) -> SettingsError:
        return SettingsError(
            f"resume points {self._path} cannot be read: mend its permissions, or remove it to "
            "ship every file from its start"
        )

    def find(self, name: str) -> Point:
        """Return the point of a file, at its start where it is new; raises InputError."""
        try:
            status = Path(name).stat()
            with Path(name).open("rb") as file:
                start = file.read(_HEAD)
        except OSError as error:
            raise InputError(f"{name}: {error.strerror}") from None
        for point in self._points:
            same = (point.device, point.inode) == (status.st_dev, status.st_ino)
            if same and _digest(start[: point.head]) == point.digest and len(start) >= point.head:
                return point
        return Point(status.st_dev, status.st_ino, len(start), _digest(start), 0, 0)

    def save(self, point: Point, offset: int, lines: int, ingest: str) -> None:
        """Move a file's point; returns when it is durable."""
        moved = replace(point, offset=offset, lines=lines, ingest=ingest)
        same = (point.device, point.inode, point.digest)
        self._points = [p for p in self._points if (p.device, p.inode, p.digest) != same]
        self._points.append(moved)
        self._write()

    def end(self, ingest: str) -> None:
        """Take note that an ingest was ended; returns when that is durable."""
        self._ended.add(ingest)
        self._write()

    def check(self, ingest: str) -> None:
        """Raise UsageError for an ingest that was ended: no more of its lines would be counted."""
        if ingest in self._ended:
            raise UsageError(
                f"the ingest {ingest} has ended and takes no more lines: give these one of their "
                f"own, such as --ingest {ingest}-2, and ship with --more where others follow"
            )

    def _write(self) -> None:
        temporary = self._path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            files = [asdict(p) for p in self._points]
            file.write(orjson.dumps({"files": files, "ended": sorted(self._ended)}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


def _digest(start: bytes) -> str:
    return hashlib.sha256(start).hexdigest()
