"""SQLite or PostgreSQL behind SQLAlchemy Core: where keys, grants and cases are kept.

Both give the same promise: what :meth:`Database.writing` has let go of is on the disk, writers come
one after the other, and a reader sees one moment. SQLite does it with ``BEGIN IMMEDIATE`` and
``synchronous=FULL``. PostgreSQL does it with an advisory lock that every writer of the same purpose
takes first: under it READ COMMITTED is serial, so nothing has to be tried again for the sake of
another writer.

No password is in a URL; a file holds it. No value is in a message: SQLAlchemy's own quote the
statement and its parameters, so they are replaced and not chained.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy import exc as sql
from sqlalchemy.engine import URL

from pipeline.errors import IntegrityError, SettingsError, UnavailableError

WAIT_SECONDS: Final = 5
"""How long a writer waits for another before it is told to come back."""

_WRITES: Final = "partywall_writes"
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "foreign_keys=ON",
    f"busy_timeout={WAIT_SECONDS * 1000}",
)
_POSTGRES_OPTIONS: Final = (
    "-c synchronous_commit=on -c timezone=UTC"
    f" -c lock_timeout={WAIT_SECONDS}s -c idle_in_transaction_session_timeout=60s"
)


class Database:
    """One engine. Threads may share it; a process that forks opens its own."""

    def __init__(self, where: str | Path, purpose: str, password_file: Path | None = None) -> None:
        """Open a file (a path, or ``sqlite:///PATH``) or ``postgresql+psycopg://USER@HOST/NAME``.

        ``purpose`` (``key store``, ``case store``) begins each message and names the writers' lock.
        A SQLite file and its folder are made where they are missing, modes 0600 and 0700. Raises
        SettingsError for a URL of another kind or with a password in it, UnavailableError where the
        place cannot be used, IntegrityError where the file is something else.
        """
        self._purpose = purpose
        self._lock = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], signed=True)
        url = self._url(where)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._make_file(Path(str(url.database)))
            self._engine = create_engine(url, hide_parameters=True)
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._engine = _postgres(url, purpose, password_file)
        try:
            with self._guarded(), self._engine.connect():
                pass  # tells now, and not at the first key, that nothing answers
        except BaseException:
            self._engine.dispose()
            raise

    def __repr__(self) -> str:
        return f"Database({self._purpose!r}, {self._engine.dialect.name!r})"

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def create(self, tables: MetaData) -> None:
        """Create the tables that are missing."""
        with self.writing() as connection:
            tables.create_all(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Do all or nothing, one writer at a time, also against other processes.

        Durable when it has ended. Raises UnavailableError where another holds the lock for more
        than WAIT_SECONDS or the server is away, IntegrityError where a constraint is broken.
        """
        with self._guarded(), self._engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": self._lock})
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one moment's state; writers are not held up. Raises as :meth:`writing`."""
        with self._guarded(), self._engine.connect() as plain:
            connection = plain
            if not self.is_sqlite:
                connection = plain.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    def wipe(self, *tables: str) -> None:
        """Take from the files what was deleted from ``tables``; to be called after the deletion.

        SQLite has overwritten the rows, but its write-ahead log holds copies of pages until it is
        cut to nothing. PostgreSQL only marks rows as dead: a full vacuum writes the tables anew and
        drops their files. Its log, replicas and backups are out of reach from here
        (docs/vault-format.md). Raises UnavailableError where a reader holds it up: come back.
        """
        with self._guarded():
            held = self._cut_log() if self.is_sqlite else self._vacuum(tables)
        if held:
            raise UnavailableError(
                f"{self._purpose} is being read; what it destroyed is wiped at the next try"
            )

    def _vacuum(self, tables: Sequence[str]) -> bool:
        """Write the tables anew; tell whether dead rows had to be taken along for a reader.

        What a transaction that began before the deletion may still see is copied, in silence but
        for what VERBOSE says: the first number of each table's detail, in every language.
        """
        kept: list[int] = []

        def hear(notice: object) -> None:
            said = re.search(r"\d+", str(getattr(notice, "message_detail", "")))
            kept.append(int(said.group()) if said else 0)

        with self._engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            driver: Any = connection.connection.driver_connection
            driver.add_notice_handler(hear)
            try:
                for table in tables:
                    quoted = self._engine.dialect.identifier_preparer.quote(table)
                    connection.execute(text(f"VACUUM (FULL, VERBOSE) {quoted}"))
            finally:
                driver.remove_notice_handler(hear)
        return any(kept) or len(kept) < len(tables)

    def _cut_log(self) -> bool:
        """Cut SQLite's log to nothing; tell whether a reader kept it."""
        raw = self._engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.close()
        return busy is None or bool(busy[0])

    def _url(self, where: str | Path) -> URL:
        if "://" not in str(where):
            return URL.create("sqlite", database=str(where))
        try:
            url = make_url(str(where))
        except sql.ArgumentError:
            raise SettingsError(f"{self._purpose}: its URL cannot be read") from None
        if url.drivername not in {"sqlite", "postgresql+psycopg"} or not url.database:
            raise SettingsError(
                f"{self._purpose}: give a path, sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
            )
        if url.password is not None or "password" in url.query:
            raise SettingsError(
                f"{self._purpose}: its URL holds a password; put that into a file and name the file"
            )
        return url

    def _make_file(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)  # SQLite gives its -wal and -shm files the same mode
        except OSError as error:
            raise UnavailableError(f"{self._purpose} {path}: {error.strerror}") from None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sql.OperationalError, sql.InternalError) as error:
            raise UnavailableError(f"{self._purpose}: {_reason(error.orig)}") from None
        except sql.IntegrityError as error:
            raise IntegrityError(
                f"{self._purpose}: a rule of its tables is broken ({_reason(error.orig)})"
            ) from None
        except sqlite3.OperationalError as error:
            raise UnavailableError(f"{self._purpose}: {_reason(error)}") from None
        except (sql.DatabaseError, sqlite3.DatabaseError) as error:
            if self.is_sqlite:
                raise IntegrityError(f"{self._purpose} is no SQLite file, or is damaged") from None
            why = _reason(error.orig if isinstance(error, sql.DBAPIError) else error)
            raise UnavailableError(f"{self._purpose}: {why}") from None
        except sql.TimeoutError:
            raise UnavailableError(f"{self._purpose}: all its connections are in use") from None


def _postgres(url: URL, purpose: str, password_file: Path | None) -> Engine:
    """Return an engine that asks the file for its password at each new connection."""
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={"options": _POSTGRES_OPTIONS, "connect_timeout": WAIT_SECONDS},
    )
    if password_file is not None:

        def sign_in(_: object, __: object, ___: object, parameters: dict[str, Any]) -> None:
            try:
                parameters["password"] = password_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"{purpose}: password file {password_file}: {error.strerror}"
                ) from None

        event.listen(engine, "do_connect", sign_in)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by us, see below
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the writers' lock at once: a reader that turns writer half-way could be refused."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _reason(error: BaseException | None) -> str:
    """Name an error of a driver by its code; its text may quote a row."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    return str(code or type(error).__name__)
