"""A key store with a clock that the test moves, on either database, and a real audit log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from pipeline import policy
from pipeline.audit.log import AuditLog
from pipeline.audit.signing import Signer, write_vkey
from pipeline.keys import tables
from pipeline.keys.kek import FileKek, Kek
from pipeline.keys.pinning import Pin
from pipeline.keys.record import Recording
from pipeline.keys.rules import Rules
from pipeline.keys.service import KeyService
from pipeline.keys.store import Store
from pipeline.zones import ALL_UTC, Zones
from tests.support.databases import Place, sqlite_in

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
TODAY = 20_522  # days from 1970-01-01 to NOON
RULES = Rules.of(policy.load())
SIGNER = Signer("keys.example.com", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


class Hands:
    """A clock whose hands the test turns."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


def log_in(folder: Path, clock: Hands) -> AuditLog:
    return AuditLog(folder / "audit", SIGNER, clock)


def store_at(
    place: Place,
    clock: Hands,
    *,
    kek: Kek | None = None,
    rules: Rules = RULES,
    log: Recording | None = None,
) -> Store:
    return Store(
        place.open(),
        kek or FileKek(place.folder / "kek"),
        rules,
        clock,
        SIGNER,
        log or log_in(place.folder, clock),
    )


def store_in(folder: Path, clock: Hands) -> Store:
    return store_at(sqlite_in(folder), clock)


def wrapped(place: Place, table: str, column: str) -> list[bytes]:
    """What lies in a column of secrets, as it lies there."""
    database = place.open()
    with database.reading() as connection:
        found = connection.execute(select(tables.TABLES.tables[table].c[column])).scalars().all()
    database.close()
    return list(found)


def bytes_at_rest(folder: Path) -> bytes:
    """Everything in the folder's files, the write-ahead log included."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())


def serving(
    store: Store,
    clock: Hands,
    folder: Path,
    tokens: Mapping[str, str],
    log: Recording | None = None,
    zones: Zones = ALL_UTC,
) -> KeyService:
    """A service that is not started; it destroys nothing of itself for an hour."""
    rules = policy.load().current.investigations
    audit = log or log_in(folder, clock)
    return KeyService(store, tokens, rules, clock, SIGNER, audit, expire_every=3600, zones=zones)


def pinned(folder: Path) -> Pin:
    """What a client checks public keys with that somebody gave the right vkey."""
    path = folder / "given.vkey"
    if not path.exists():
        write_vkey(path, SIGNER.verifier)
    return Pin(path, given=True)
