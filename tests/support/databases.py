"""Where a test's database lies: a SQLite file, or a database of its own on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.database import Database
from tests.support.postgres_server import PostgresServer


@dataclass(frozen=True)
class Place:
    """Opens as often as asked; ``folder`` is the test's own."""

    folder: Path
    where: str
    server: PostgresServer | None = field(default=None, repr=False)

    @property
    def is_sqlite(self) -> bool:
        return self.server is None

    @property
    def password_file(self) -> Path | None:
        return None if self.server is None else self.server.password_file

    def open(self, purpose: str = "key store") -> Database:
        return Database(self.where, purpose, self.password_file)

    def bytes_at_rest(self) -> bytes:
        """Everything in the database's files; of PostgreSQL its tables, without the log."""
        if self.server is not None:
            return self.server.bytes_of(self.where)
        path = Path(self.where)
        files = [p for p in sorted(path.parent.iterdir()) if p.name.startswith(path.name)]
        return b"".join(p.read_bytes() for p in files)


def sqlite_in(folder: Path, name: str = "keys.sqlite") -> Place:
    return Place(folder, str(folder / name))
