"""Where files were left, and what is on its way: so that nothing is read, or sent, twice.

The points are nobody else's: they tell which files there are, and by the digest of a short and
guessable beginning perhaps what is in them.

One small SQLite database, whose transactions are durable when they return. A *point* is how far a
file was acknowledged; a *pending* message was about to be sent when the note was taken, and stays
until it is known to have arrived.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Final, Self

import orjson

from pipeline.errors import SettingsError, UsageError
from pipeline.shipping.point import ARRIVED, UNKNOWN, VACANT, Pending, Point

__all__ = ["ARRIVED", "UNKNOWN", "VACANT", "Pending", "Point", "Points"]

_POINT: Final = [entry.name for entry in fields(Point)]
_PENDING: Final = [entry.name for entry in fields(Pending)]
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS points (number INTEGER PRIMARY KEY, {", ".join(_POINT[1:])});
CREATE INDEX IF NOT EXISTS by_inode ON points (device, inode);
CREATE INDEX IF NOT EXISTS by_base ON points (base);
CREATE INDEX IF NOT EXISTS by_stamp ON points (stamp);
CREATE TABLE IF NOT EXISTS pending (number INTEGER PRIMARY KEY, {", ".join(_PENDING[1:])});
CREATE INDEX IF NOT EXISTS by_point ON pending (point);
CREATE TABLE IF NOT EXISTS ended (ingest PRIMARY KEY) WITHOUT ROWID;
"""  # the names are those of our own fields


class Points:
    """The resume points of one shipper."""

    def __init__(self, path: Path) -> None:
        """Open the file where there is one; raises SettingsError where it cannot be used."""
        self._path = path
        self._lock = -1
        self._last = 0
        with self._usable():
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # SQLite gives its other files the mode of this one.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_SCHEMA)
            self._take_over(path.with_suffix(".json"))

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def __enter__(self) -> Self:
        """Have the points to oneself; raises UsageError where another shipper has them.

        Of two that ship at once, each would send what the other had sent.
        """
        try:
            self._lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._unlock()
            if isinstance(error, BlockingIOError):
                raise UsageError(
                    f"another `partywall ship` is at work with the resume points {self._path}: "
                    "wait for its end, or give this one a state_dir of its own"
                ) from None
            raise self._unusable() from None
        return self

    def __exit__(self, *_: object) -> None:
        """Let others have them."""
        self._unlock()
        self.close()

    def _unlock(self) -> None:
        if self._lock >= 0:
            # Said, not left to the closing: a process that is forked just now has it open too.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
        self._lock = -1

    def candidates(self, folder: str, base: str, device: int, inode: int) -> list[Point]:
        """Return the points that may be a file's: its inode's, its set's, its base name's.

        In that order, of each the farthest first.
        """
        inode_s = "device = :device AND inode = :inode AND inode <> 0"
        rows = self._base.execute(
            f"SELECT {', '.join(_POINT)} FROM points WHERE base = :base OR ({inode_s}) "  # noqa: S608 -- our own names
            f"ORDER BY NOT ({inode_s}), folder <> :folder, offset DESC",
            {"base": base, "folder": folder, "device": device, "inode": inode},
        )
        return [Point(*row) for row in rows]

    def finished(self, stamp: str) -> Point | None:
        """Return the point of stored bytes that were read to their end."""
        rows = self._base.execute(
            f"SELECT {', '.join(_POINT)} FROM points WHERE stamp = ?",  # noqa: S608
            (stamp,),
        ).fetchall()
        return Point(*rows[0]) if rows else None

    def unknown(self) -> list[Pending]:
        """Return what of all files may have arrived, in the order in which it was sent."""
        rows = self._base.execute(
            f"SELECT {', '.join(_PENDING)} FROM pending WHERE state = 0 "  # noqa: S608
            "ORDER BY producer, partition, sequence, number"
        )
        return [Pending(*row) for row in rows]

    def point(self, number: int) -> Point | None:
        """Return a point by its number."""
        row = self._base.execute(
            f"SELECT {', '.join(_POINT)} FROM points WHERE number = ?",  # noqa: S608
            (number,),
        ).fetchone()
        return None if row is None else Point(*row)

    def keep(self, pending: Iterable[Pending]) -> None:
        """Keep what was learnt of pending messages; durable at return."""
        with self._usable(), self._transaction():
            self._base.executemany(
                "UPDATE pending SET state = ?, after = ? WHERE number = ?",
                [(one.state, one.after, one.number) for one in pending],
            )

    def pending(self, point: int) -> list[Pending]:
        """Return what of a file was on its way, in order."""
        rows = self._base.execute(
            f"SELECT {', '.join(_PENDING)} FROM pending WHERE point = ? ORDER BY start",  # noqa: S608
            (point,),
        )
        return [Pending(*row) for row in rows]

    def known(self, folder: str, base: str) -> bool:
        """Tell whether something of a set was shipped before."""
        found = self._base.execute(
            "SELECT 1 FROM points WHERE folder = ? AND base = ? LIMIT 1", (folder, base)
        )
        return found.fetchone() is not None

    def new(self, point: Point) -> Point:
        """Give a file a number; it is kept with the next note."""
        (last,) = self._base.execute("SELECT coalesce(max(number), 0) FROM points").fetchone()
        self._last = max(self._last, last) + 1
        return replace(point, number=self._last)

    def note(
        self,
        moved: Iterable[Point] = (),
        arrived: Iterable[Pending] = (),
        begun: Iterable[Pending] = (),
    ) -> list[Pending]:
        """Move points, forget what arrived, keep what is about to be sent; durable at return.

        Returns ``begun`` with numbers.
        """
        kept: list[Pending] = []
        with self._usable(), self._transaction():
            self._base.executemany(_replace("points", _POINT), [astuple(p) for p in moved])
            self._base.executemany(
                "DELETE FROM pending WHERE number = ?", [(one.number,) for one in arrived]
            )
            for one in begun:
                row = self._base.execute(_replace("pending", _PENDING), (None, *astuple(one)[1:]))
                kept.append(replace(one, number=row.lastrowid or 0))
        return kept

    def end(self, ingest: str) -> None:
        """Take note that an ingest was ended; returns when that is durable."""
        with self._usable():
            self._base.execute("INSERT OR IGNORE INTO ended VALUES (?)", (ingest,))

    def check(self, ingest: str) -> None:
        """Raise UsageError for an ingest that was ended: no more of its lines would be counted."""
        found = self._base.execute("SELECT 1 FROM ended WHERE ingest = ?", (ingest,))
        if found.fetchone() is not None:
            raise UsageError(
                f"the ingest {ingest} has ended and takes no more lines: give these one of their "
                f"own, such as --ingest {ingest}-2, and ship with --more where others follow"
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, orjson.JSONDecodeError, TypeError, KeyError, ValueError):
            raise self._unusable() from None

    def _unusable(self) -> SettingsError:
        return SettingsError(
            f"resume points {self._path} cannot be used: mend its permissions, or remove it to "
            "ship every file from its start"
        )

    def _take_over(self, older: Path) -> None:
        """Read the points that an older version kept as JSON, and remove them."""
        if older == self._path or not older.exists():
            return
        kept = orjson.loads(older.read_bytes())
        # A list of files alone is what a still older version wrote.
        whole = kept if isinstance(kept, dict) else {"files": kept, "ended": []}
        points = [
            Point(0, device=one["device"], inode=one["inode"], head_bytes=one["head"],
                  head=one["digest"], offset=one["offset"], lines=one["lines"],
                  ingest=one.get("ingest", ""))
            for one in whole["files"]
        ]  # fmt: skip
        with self._transaction():
            for point in points:
                row = (None, *astuple(point)[1:])
                self._base.execute(_replace("points", _POINT), row)
            for ingest in whole["ended"]:
                self._base.execute("INSERT OR IGNORE INTO ended VALUES (?)", (str(ingest),))
        older.unlink()


def _replace(table: str, columns: list[str]) -> str:
    return (
        f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) "  # noqa: S608 -- our own names
        f"VALUES ({', '.join('?' * len(columns))})"
    )
