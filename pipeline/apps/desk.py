"""The desk, put together: cases, audit log, key service and vault of one set of settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import policy
from pipeline.apps import keys as key_service
from pipeline.apps.key_service import key_service_of
from pipeline.audit.signing import Signer, make_signer, read_signer, read_vkey, write_vkey
from pipeline.cases.acts import Cases
from pipeline.cases.people import Directory
from pipeline.cases.permission import Gate
from pipeline.cases.present import Present
from pipeline.cases.store import CaseStore
from pipeline.clock import Clock, system_clock
from pipeline.configuration import parts
from pipeline.database import Database
from pipeline.errors import SettingsError
from pipeline.investigations.desk import Desk
from pipeline.investigations.export import Office
from pipeline.investigations.records import Records
from pipeline.investigations.search import Search
from pipeline.keys import kek
from pipeline.keys.release_client import ReleaseClient
from pipeline.settings import Settings

EVIDENCE: Final = "partywall/evidence"
"""Name of the key that bundles are signed by."""


@dataclass(frozen=True, slots=True)
class Room:
    """A desk, what exports are made with, and who there is."""

    desk: Desk
    office: Office
    people: Directory
    clock: Clock

    def now(self) -> int:
        """Return the present moment in seconds since 1970 UTC."""
        return int(self.clock().timestamp())


@contextmanager
def open_room(settings: Settings, clock: Clock = system_clock) -> Iterator[Room]:
    """Open the desk of an embedded group's folder; raises SettingsError, UnavailableError.

    Where no group runs, the key service is started within this process and ends with it.
    """
    people = settings.investigations.people
    if people is None:
        raise SettingsError("setting investigations.people: name the file of people")
    Directory.make_default(people)
    with (
        key_service_of(settings) as url,
        open_desk(settings, url, clock, people) as (desk, office),
    ):
        yield Room(desk, office, present_of(desk).directory(), clock)


@contextmanager
def open_desk(
    settings: Settings, url: str, clock: Clock, people: Path | None = None
) -> Iterator[tuple[Desk, Office]]:
    """Put a desk together that borrows keys at ``url``; raises SettingsError, UnavailableError.

    ``people`` is the file that says who there is; None where a provider does. The audit log knows
    of the configuration before the desk is anybody's.
    """
    own = settings.investigations
    if own.store == settings.keys.store and not own.store.startswith("postgresql"):
        raise SettingsError("setting investigations.store: cases need another file than the keys")
    log = key_service.audit_log(settings.audit, clock)
    terms, policy_file = policy.read(settings.policy, clock)
    database = Database(own.store, "case store", own.store_password_file)
    token = key_service.token(settings.keys.investigations_token_file, "investigations_token_file")
    auditors = key_service.places_of(settings.audit).auditors()
    with ReleaseClient(url, token) as client:
        store = CaseStore(database, _case_key(own.kek_file))
        try:
            signer = _evidence_key(own.evidence_key)
            told = store.told(log, clock)
            told.tell(
                [
                    parts.policy(terms, policy_file),
                    parts.settings(_settings(settings)),
                    parts.public_keys(_public_keys(settings, signer, auditors)),
                ]
            )
            present = None if people is None else Present(people, told.tell)
            if present is not None:
                present.directory()
            cases = Cases(Gate(store, log, auditors, clock, present), terms)
            search = Search(settings.vault.url, Records(settings.split))
            office = Office(own.evidence, signer, log, terms, policy_file)
            yield Desk(cases, search, client, terms, own.evidence), office
        finally:
            store.close()


def present_of(desk: Desk) -> Present:
    """Return who there is, at a desk that was opened with a file of people."""
    present = desk.cases.gate.present
    if present is None:
        raise SettingsError("setting investigations.people: name the file of people")
    return present


def _settings(settings: Settings) -> dict[str, object]:
    """Return the settings that a desk works by."""
    return {
        "investigations": settings.investigations,
        "audit": settings.audit,
        "split": settings.split,  # how a record is read, and whose it is
        "keys.url": settings.keys.url,
        "keys.investigations_token_file": settings.keys.investigations_token_file,
        "vault.url": settings.vault.url,
        "policy": settings.policy,
    }


def _public_keys(settings: Settings, evidence: Signer, auditors: bytes) -> dict[str, str]:
    """Return what bundles and the log are checked by, and what the log's sealed parts open to."""
    return {
        "audit": str(read_vkey(settings.audit.vkey)),
        "auditors": hashlib.sha256(auditors).hexdigest(),
        "evidence": str(evidence.verifier),
    }


def _case_key(path: Path) -> bytes:
    """Return the key that wraps the cases' keys, made at the first start; raises SettingsError."""
    return kek.read(path) if path.exists() else kek.make(path)


def _evidence_key(path: Path) -> Signer:
    """Return the key that bundles are signed by, made with its vkey; raises SettingsError."""
    if not path.exists():
        signer = make_signer(path, EVIDENCE)
        write_vkey(path.with_suffix(".vkey"), signer.verifier)
    return read_signer(path)
