"""A cases room with a clock that the test moves, and people named by their roles."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import policy
from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog
from pipeline.audit.places import Places
from pipeline.cases.acts import Cases
from pipeline.cases.people import Person, Role
from pipeline.cases.permission import Gate
from pipeline.cases.purging import Remove, purge
from pipeline.cases.store import CaseStore
from pipeline.database import Database
from pipeline.scope import Scope, Selectors

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
KEK = bytes(range(32))
HOUR = 3600

INVESTIGATOR = Person("investigator", frozenset({Role.INVESTIGATOR}), "abuse")
COLLEAGUE = Person("colleague", frozenset({Role.INVESTIGATOR, Role.APPROVER}), "abuse")
APPROVER = Person("approver", frozenset({Role.APPROVER}), "legal")
SECOND = Person("second-approver", frozenset({Role.APPROVER}), "legal")
AUDITOR = Person("auditor", frozenset({Role.AUDITOR}), "audit")
OFFICER = Person("privacy-officer", frozenset({Role.PRIVACY_OFFICER}), "privacy")
BOTH = Person("both", frozenset({Role.INVESTIGATOR, Role.APPROVER}), "other")
PEOPLE = (INVESTIGATOR, COLLEAGUE, APPROVER, SECOND, AUDITOR, OFFICER, BOTH)

SCOPE = Scope(
    ("shop",),
    int(NOON.timestamp()) - 48 * HOUR,
    int(NOON.timestamp()),
    Selectors(addresses=("192.0.2.7",)),
)


class Hands:
    """A clock whose hands the test turns."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@dataclass
class Office:
    """Cases, their audit log, and the clock."""

    folder: Path
    clock: Hands = field(default_factory=Hands)
    database: Database | None = None

    def __post_init__(self) -> None:
        self.places = Places.under(self.folder)
        self.log: AuditLog = self.places.make(self.clock)
        database = self.database or Database(self.folder / "cases" / "cases.sqlite", "case store")
        self.store = CaseStore(database, KEK)
        self.gate = Gate(self.store, self.log, self.places.auditors(), self.clock)
        self.cases = Cases(self.gate, policy.load())

    def purge(self, person: Person, case_id: str, remove: Remove = lambda: None) -> None:
        """Purge a case, which has no bundles here."""
        purge(self.gate, person, case_id, remove)

    def entries(self) -> list[Entry]:
        return [entry for _, entry in self.log.entries()]

    def opened(self, category: str = "abuse", scope: Scope = SCOPE) -> str:
        """Return an open case of the investigator's."""
        case = self.cases.draft(INVESTIGATOR, category, "a reason", "ticket 1", scope)
        self.cases.request(INVESTIGATOR, case.id)
        self.cases.approve(APPROVER, case.id)
        return case.id
