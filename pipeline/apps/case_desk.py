"""The desk of cases, put together without what opens records: cases, audit log, key service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline import policy
from pipeline.apps import keys as key_service
from pipeline.apps.desk_configuration import evidence_key, tell
from pipeline.apps.key_service import key_service_of
from pipeline.audit.log import AuditLog
from pipeline.audit.signing import Signer
from pipeline.cases.acts import Cases
from pipeline.cases.people import Directory
from pipeline.cases.permission import Gate
from pipeline.cases.present import Present
from pipeline.cases.store import CaseStore
from pipeline.clock import Clock, system_clock
from pipeline.database import Database
from pipeline.errors import SettingsError
from pipeline.investigations import retention
from pipeline.investigations.case_desk import CaseDesk
from pipeline.keys import kek
from pipeline.keys.release_client import ReleaseClient
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class CaseRoom:
    """A desk of cases, and who there is."""

    desk: CaseDesk
    people: Directory
    clock: Clock

    def now(self) -> int:
        """Return the present moment in seconds since 1970 UTC."""
        return int(self.clock().timestamp())

    @property
    def purge_days(self) -> int:
        """After how many days the policy in force has a case purged."""
        return self.desk.cases.policy.current.investigations.purge_days


@contextmanager
def open_case_room(settings: Settings, clock: Clock = system_clock) -> Iterator[CaseRoom]:
    """Open the desk of cases of an embedded group's folder, as ``desk.open_room`` does the whole.

    Raises SettingsError, UnavailableError.
    """
    with (
        key_service_for(settings) as (url, people),
        open_cases(settings, url, clock, people) as opened,
    ):
        desk = CaseDesk(opened.cases, opened.keys, settings.investigations.evidence)
        retention.turn(desk)
        yield CaseRoom(desk, present_of(desk).directory(), clock)


@contextmanager
def key_service_for(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield where the key service answers, and the file of people, made where it is missing.

    Where no group runs, the key service is started within this process and ends with it.
    Raises SettingsError, UnavailableError.
    """
    people = settings.investigations.people
    if people is None:
        raise SettingsError("setting investigations.people: name the file of people")
    Directory.make_default(people)
    with key_service_of(settings) as url:
        yield url, people


@dataclass(frozen=True, slots=True)
class Opened:
    """What every desk has: cases, keys to borrow, the log that acts are written to.

    ``evidence`` is the key that bundles are signed by, ``policy_file`` the policy's bytes.
    """

    cases: Cases
    keys: ReleaseClient
    log: AuditLog
    evidence: Signer
    policy_file: bytes


@contextmanager
def open_cases(
    settings: Settings, url: str, clock: Clock, people: Path | None = None
) -> Iterator[Opened]:
    """Open what every desk has, its keys at ``url``; raises SettingsError, UnavailableError.

    ``people`` is the file that says who there is; None where a provider does. The audit log knows
    of the configuration before there is a desk.
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
            signer = evidence_key(own.evidence_key)
            told = tell(settings, store, log, clock, terms, policy_file, signer, auditors)
            present = None if people is None else Present(people, told.tell)
            if present is not None:
                present.directory()
            cases = Cases(Gate(store, log, auditors, clock, present), terms)
            yield Opened(cases, client, log, signer, policy_file)
        finally:
            store.close()


def present_of(desk: CaseDesk) -> Present:
    """Return who there is, at a desk that was opened with a file of people."""
    present = desk.cases.gate.present
    if present is None:
        raise SettingsError("setting investigations.people: name the file of people")
    return present


def _case_key(path: Path) -> bytes:
    """Return the key that wraps the cases' keys, made at the first start; raises SettingsError."""
    return kek.read(path) if path.exists() else kek.make(path)
