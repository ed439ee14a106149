"""A real PostgreSQL for tests: a cluster of its own on a Unix socket, a database per test.

PostgreSQL refuses to run as root, so root hands it to the user ``postgres`` (or ``nobody``).
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

_HOMES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_NEEDED: Final = ("initdb", "pg_ctl", "postgres")


def missing() -> str | None:
    """Say what is missing to start one, or None."""
    lacking = [name for name in _NEEDED if _program(name) is None]
    if lacking:
        return f"no {', '.join(lacking)}: run deploy/postgres/fetch"
    return None


class PostgresServer:
    """Start with ``with``. Signing in takes the password in ``password_file``."""

    def __init__(self) -> None:
        # Not under pytest's own folder: nobody but root may go through that.
        self.folder = Path(tempfile.mkdtemp(prefix="partywall-postgres-"))
        self.password_file = self.folder / "password"
        self._user = _user()
        self._made = 0

    def __enter__(self) -> Self:
        self.password_file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        self.folder.chmod(0o700)
        if self._user is not None:
            for path in (self.folder, self.password_file):
                shutil.chown(path, self._user)
        self._run(
            "initdb", "--pgdata", "data", "--username", "owner", "--auth", "scram-sha-256",
            "--pwfile", "password", "--encoding", "UTF8", "--no-sync",
        )  # fmt: skip
        # No test pulls the plug of the machine: what a process wrote outlives it without waiting.
        # Nothing else is set: whether a row that was deleted leaves its page hangs on the rest. But
        # autovacuum's analysis is a reader, for which deleted rows would stay.
        place = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        settings = f"{place} -c fsync=off -c autovacuum=off"
        self._run("pg_ctl", "start", "-D", "data", "-w", "-l", "log", "-o", settings)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w")
        shutil.rmtree(self.folder)

    def database(self, like: str | None = None) -> str:
        """Make a database, empty or a copy of one that nobody uses; return its URL.

        There is no password in it.
        """
        self._made += 1
        name = f"t{self._made}"
        template = "template0" if like is None else _name(like)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql+psycopg://owner@/{name}?host={self.folder}"

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        self.execute(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def wait_until_unused(self, url: str) -> None:
        """Wait until nobody is connected to a database: what a killed client sent is done then."""
        query = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{_name(url)}'"  # noqa: S608
        end = time.monotonic() + 30
        while self.execute(query):
            if time.monotonic() > end:
                raise TimeoutError("a killed client's connection is still open")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the cluster's owner; return its rows."""
        password = self.password_file.read_text(encoding="utf-8")
        with psycopg.connect(
            host=str(self.folder), user="owner", password=password, dbname=database,
            autocommit=True,
        ) as connection:  # fmt: skip
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def bytes_of(self, url: str) -> bytes:
        """Return every byte of the files of a database's tables, once they are on the disk."""
        self.execute("CHECKPOINT")
        [[number]] = self.execute(f"SELECT oid FROM pg_database WHERE datname = '{_name(url)}'")  # noqa: S608
        files = sorted((self.folder / "data/base" / str(number)).iterdir())
        return b"".join(path.read_bytes() for path in files)

    def _run(self, program: str, *arguments: str) -> None:
        found = _program(program)
        assert found is not None
        subprocess.run(
            [*_as_user(self._user), found, *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        )


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def _program(name: str) -> str | None:
    for home in _HOMES:
        if (home / name).exists():
            return str(home / name)
    return shutil.which(name)


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as_user(user: str | None) -> Sequence[str]:
    if user is None:
        return ()
    entry = pwd.getpwnam(user)
    return ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
