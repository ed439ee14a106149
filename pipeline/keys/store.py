"""The key store: SQLite, keys wrapped, and nothing left of a key once it is destroyed.

Secrets are wrapped with AES key wrap (RFC 3394) under the key-encryption key. ``secure_delete``
overwrites the row, and truncating the write-ahead log removes the copy it held.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipeline.clock import Clock
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys import kek
from pipeline.keys.material import KEY_BYTES, PseudonymKey, SealingKey
from pipeline.keys.rules import DAY, Rules, day_of, seconds

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS kek (wrapped_check BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sealing_keys (
    key_id TEXT PRIMARY KEY, day INTEGER NOT NULL UNIQUE, made INTEGER NOT NULL,
    public BLOB NOT NULL, wrapped_private BLOB NOT NULL, wrapped_token BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pseudonym_keys (
    ingest TEXT NOT NULL, day INTEGER NOT NULL, made INTEGER NOT NULL, wrapped BLOB NOT NULL,
    PRIMARY KEY (ingest, day));
CREATE TABLE IF NOT EXISTS spent (
    ingest TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (ingest, day));
CREATE TABLE IF NOT EXISTS ended (ingest TEXT PRIMARY KEY);
"""
_CHECK: Final = (
    b"partywall-kek-check-1234"  # wrapped, it shows whether a key-encryption key is ours
)


@dataclass(frozen=True, slots=True)
class Alive:
    """One key that still exists, without its material. ``until`` is in seconds since 1970 UTC."""

    kind: str
    ingest: str | None
    day: int
    until: int


class Store:
    """All keys there are. One service owns the file; the reading side may open it beside it."""

    def __init__(self, path: Path, kek_file: Path, rules: Rules, clock: Clock) -> None:
        """Open the store, or make it and its key-encryption key at the first start.

        Raises SettingsError where the key-encryption key is missing, short, repeated, open to
        others or another than the store's; UnavailableError where the file cannot be opened.
        """
        self._rules = rules
        self._clock = clock
        self._kek = kek.read(kek_file) if path.exists() or kek_file.exists() else kek.make(kek_file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)  # SQLite gives its -wal and -shm files the same mode
            self._database = sqlite3.connect(path, isolation_level=None, timeout=5)
            with self._guarded():
                for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                    self._database.execute(f"PRAGMA {pragma}")
                self._database.executescript(_SCHEMA)
        except OSError as error:
            raise UnavailableError(f"key store {path}: {error.strerror}") from error
        try:
            self._check_kek(kek_file)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def sealing(self) -> SealingKey:
        """Return today's sealing key without its private half, made at the first call of a day."""
        today = day_of(self._clock())
        with self._transaction():
            row = self._sealing_row(today) or self._make_sealing(today)
        key_id, public, wrapped_token = row
        return SealingKey(key_id, today, public, self._unwrap(wrapped_token), (today + 1) * DAY)

    def pseudonym_keys(self, ingest: str, days: Iterable[int]) -> dict[int, PseudonymKey | None]:
        """Return the key of each day; None where it is gone for good or not to be made yet."""
        now = seconds(self._clock())
        with self._transaction():
            return {day: self._pseudonym_key(ingest, day, now) for day in sorted(set(days))}

    def private_key(self, key_id: str) -> bytes | None:
        """Return the raw private half of a sealing key, None once it is destroyed.

        For the reading side alone; no service serves it.
        """
        with self._guarded():
            row = self._database.execute(
                "SELECT wrapped_private, day FROM sealing_keys WHERE key_id = ?", (key_id,)
            ).fetchone()
        if row is None or self._rules.sealing_due(row[1]) <= seconds(self._clock()):
            return None
        return self._unwrap(row[0])

    def token_keys(self) -> dict[str, bytes]:
        """Return the token key of each sealing key that lives, by key id; for the reading side."""
        now = seconds(self._clock())
        with self._guarded():
            rows = self._database.execute(
                "SELECT key_id, day, wrapped_token FROM sealing_keys ORDER BY day"
            ).fetchall()
        return {k: self._unwrap(w) for k, day, w in rows if self._rules.sealing_due(day) > now}

    def end_ingest(self, ingest: str) -> int:
        """Destroy the keys of a backfill and let it make no more; return how many there were."""
        with self._transaction():
            self._database.execute("INSERT OR IGNORE INTO ended VALUES (?)", (ingest,))
            self._database.execute("DELETE FROM spent WHERE ingest = ?", (ingest,))
            count = self._database.execute(
                "DELETE FROM pseudonym_keys WHERE ingest = ?", (ingest,)
            ).rowcount
        self._wipe_log()
        return count

    def expire(self) -> int:
        """Destroy every key that is due; return how many. Raises UnavailableError to try again."""
        now = seconds(self._clock())
        count = 0
        with self._transaction():
            for ingest, day, made in self._pseudonym_ages():
                if self._rules.pseudonym_due(ingest, day, made) <= now:
                    count += self._destroy_pseudonym(ingest, day)
            for (day,) in self._database.execute("SELECT day FROM sealing_keys").fetchall():
                if self._rules.sealing_due(day) <= now:
                    self._database.execute("DELETE FROM sealing_keys WHERE day = ?", (day,))
                    count += 1
        self._wipe_log()
        return count

    def now(self) -> int:
        """Return the moment the store lives by, seconds since 1970 UTC."""
        return seconds(self._clock())

    def alive(self) -> list[Alive]:
        """Return which keys exist and until when."""
        with self._guarded():
            days = self._database.execute("SELECT day FROM sealing_keys ORDER BY day").fetchall()
        return [Alive("sealing", None, day, self._rules.sealing_due(day)) for (day,) in days] + [
            Alive("pseudonym", ingest, day, self._rules.pseudonym_due(ingest, day, made))
            for ingest, day, made in self._pseudonym_ages()
        ]

    def _sealing_row(self, day: int) -> tuple[str, bytes, bytes] | None:
        row: tuple[str, bytes, bytes] | None = self._database.execute(
            "SELECT key_id, public, wrapped_token FROM sealing_keys WHERE day = ?", (day,)
        ).fetchone()
        return row

    def _make_sealing(self, day: int) -> tuple[str, bytes, bytes]:
        private = X25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        key_id = f"{day}-{public[:6].hex()}"
        token = self._wrap(os.urandom(KEY_BYTES))
        self._database.execute(
            "INSERT INTO sealing_keys VALUES (?, ?, ?, ?, ?, ?)",
            (
                key_id,
                day,
                seconds(self._clock()),
                public,
                self._wrap(private.private_bytes_raw()),
                token,
            ),
        )
        return key_id, public, token

    def _pseudonym_key(self, ingest: str, day: int, now: int) -> PseudonymKey | None:
        found = self._database.execute(
            "SELECT made, wrapped FROM pseudonym_keys WHERE ingest = ? AND day = ?", (ingest, day)
        ).fetchone()
        if found is None:
            if not self._rules.may_make(ingest, day, now) or self._is_spent(ingest, day):
                return None
            found = now, self._wrap(os.urandom(KEY_BYTES))
            self._database.execute(
                "INSERT INTO pseudonym_keys VALUES (?, ?, ?, ?)", (ingest, day, *found)
            )
        due = self._rules.pseudonym_due(ingest, day, found[0])
        return PseudonymKey(self._unwrap(found[1]), due) if due > now else None

    def _is_spent(self, ingest: str, day: int) -> bool:
        """Tell whether this key was destroyed: a second one would count its visitors twice."""
        query = (
            "SELECT 1 FROM spent WHERE ingest = ? AND day = ? "
            "UNION SELECT 1 FROM ended WHERE ingest = ?"
        )
        return self._database.execute(query, (ingest, day, ingest)).fetchone() is not None

    def _pseudonym_ages(self) -> list[tuple[str, int, int]]:
        with self._guarded():
            return self._database.execute(
                "SELECT ingest, day, made FROM pseudonym_keys ORDER BY ingest, day"
            ).fetchall()

    def _destroy_pseudonym(self, ingest: str, day: int) -> int:
        self._database.execute("INSERT OR IGNORE INTO spent VALUES (?, ?)", (ingest, day))
        return self._database.execute(
            "DELETE FROM pseudonym_keys WHERE ingest = ? AND day = ?", (ingest, day)
        ).rowcount

    def _wipe_log(self) -> None:
        """Cut the write-ahead log to nothing: it still holds pages with the deleted rows."""
        with self._guarded():
            busy = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise UnavailableError(
                "key store is being read; what it destroyed is wiped at the next try"
            )

    def _check_kek(self, kek_file: Path) -> None:
        with self._transaction():
            row = self._database.execute("SELECT wrapped_check FROM kek").fetchone()
            if row is None:
                self._database.execute("INSERT INTO kek VALUES (?)", (self._wrap(_CHECK),))
            elif row[0] != self._wrap(_CHECK):
                raise SettingsError(
                    f"key-encryption key {kek_file}: not the one this store was made with; "
                    "put that one back"
                )

    def _wrap(self, secret: bytes) -> bytes:
        return keywrap.aes_key_wrap(self._kek, secret)

    def _unwrap(self, wrapped: bytes) -> bytes:
        try:
            return keywrap.aes_key_unwrap(self._kek, wrapped)
        except (keywrap.InvalidUnwrap, ValueError) as error:
            raise IntegrityError("a key in the key store is damaged") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Do all or nothing, and one writer at a time, also against another process."""
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise UnavailableError(f"key store: {error.sqlite_errorname}") from error
        except sqlite3.DatabaseError as error:
            raise IntegrityError("key store is no SQLite file, or is damaged") from error
