"""The case store: cases, requests, decisions and what was added to them, in SQLite or PostgreSQL.

One writer at a time, all or nothing: what an act changes is on the disk when its block ends, or
nothing of it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from pipeline.audit.log import Written
from pipeline.cases.reading import Done, Reading
from pipeline.cases.tables import CONFIGURATION, TABLES
from pipeline.cases.writing import Writing
from pipeline.clock import Clock
from pipeline.configuration.told import ACTOR, Recording, Told
from pipeline.database import Database


class CaseStore:
    """Where cases lie. Opened once a process; threads may share it."""

    def __init__(self, database: Database, kek: bytes) -> None:
        """``kek`` (32 bytes) wraps each case's key. Makes the tables that are missing."""
        self._database = database
        self._kek = kek
        database.create(TABLES)

    def __repr__(self) -> str:
        return f"CaseStore({self._database!r})"

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Change cases, all or nothing; raises UnavailableError, IntegrityError."""
        with self._database.writing() as connection:
            yield Writing(connection, self._kek, sqlite=self._database.is_sqlite)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Read cases as they are at one moment."""
        with self._database.reading() as connection:
            yield Reading(connection, self._kek)

    @contextmanager
    def reading_plain(self) -> Iterator[Reading]:
        """Read what is not sealed, the same; a damaged key hinders nothing then."""
        with self._database.reading() as connection:
            yield Reading(connection, None)

    def told(self, log: Recording, clock: Clock) -> Told:
        """Return what tells ``log`` of the desk's configuration; its entries are in the history."""

        def remember(connection: Connection, act: str, written: Written, at: int) -> None:
            writing = Writing(connection, self._kek, sqlite=self._database.is_sqlite)
            writing.remember(None, Done(written.index, written.leaf, act, ACTOR, at))

        return Told(self._database, CONFIGURATION, log, clock, "desk", remember)

    def wipe(self) -> None:
        """Take from the files what a purge has deleted; raises UnavailableError to try again."""
        self._database.wipe(*(table.name for table in TABLES.sorted_tables))
