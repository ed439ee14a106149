"""The desk: the one place from which people work on cases, by the command line or the pages.

Acts without records are ``cases.acts``. Those with records are here: each is weighed, written to
the audit log, then carried out with keys that the key service lends to the case; and what was
found is counted and written down before anybody sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.audit.entry import Fact
from pipeline.audit.log import Written
from pipeline.cases.acts import Cases
from pipeline.cases.life import Case, State
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.cases.permission import NO_CASE
from pipeline.errors import RefusedError, UsageError
from pipeline.investigations.borrowing import borrow, grant
from pipeline.investigations.narrowing import OUTSIDE, Question, narrowed
from pipeline.investigations.paging import MOST_SHOWN, Gathered, Page, Place
from pipeline.investigations.records import RECORDS
from pipeline.investigations.search import Search
from pipeline.investigations.segments import Effort
from pipeline.investigations.showing import ids, shown
from pipeline.keys.release_client import ReleaseClient
from pipeline.policy import Policy
from pipeline.scope import Scope

_LISTED: Final = 1_000


Keep = Callable[[pl.DataFrame], pl.DataFrame]
"""Leaves out some of the records found (columns RECORDS)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was let through: the case, the part of its scope, the entry in the log."""

    case: Case
    scope: Scope
    written: Written


@dataclass(frozen=True, slots=True)
class Read:
    """How many of the records given may be shown, and how many the case has read in all."""

    shown: int
    total: int


Tell = Callable[[int | None, Effort], None]
"""Is told the hour that was gone through, and what that took so far."""


class Desk:
    """Everything a person may do with cases, records included."""

    def __init__(self, cases: Cases, search: Search, keys: ReleaseClient, policy: Policy) -> None:
        self.cases = cases
        self.search_in = search
        self.keys = keys
        self._policy = policy

    def approve(self, person: Person, case_id: str, reason: str = "") -> Case:
        """Agree to what a case asks for; where that opens or changes it, the key service hears."""
        case = self.cases.approve(person, case_id, reason)
        if case.state(self.cases.gate.now()) is State.OPEN and not case.pending:
            grant(self.keys, case)
        return case

    def emergency(self, person: Person, case_id: str, reason: str) -> Case:
        """Open a draft alone, for an hour at most."""
        case = self.cases.emergency(person, case_id, reason)
        grant(self.keys, case)
        return case

    def close(self, person: Person, case_id: str, reason: str = "") -> Case:
        """End a case: its keys are taken back before anything else."""
        return self.cases.close(person, case_id, reason, before=self._take_back)

    def deny(self, person: Person, case_id: str, reason: str) -> Case:
        """Refuse what a case asks for; an emergency that is not ratified ends at once."""
        return self.cases.deny(person, case_id, reason, before=self._take_back)

    def search(
        self,
        person: Person,
        case_id: str,
        question: Question,
        *,
        size: int = 200,
        since: Place | None = None,
        tell: Tell = lambda _hour, _effort: None,
        keep: Keep = lambda records: records,
    ) -> Page:
        """Return a page of records within a case's scope; raises RefusedError, UsageError.

        ``keep`` may leave out more of what was found.
        """
        if not 1 <= size <= MOST_SHOWN:
            raise UsageError(f"page: 1 to {MOST_SHOWN:,} records")
        asked = self.asking(person, Act.SEARCH, case_id, question)
        case, scope = asked.case, asked.scope
        effort = Effort()
        gathered = Gathered(size, since)
        for hour, records, gone in self._hours(case, scope, person, effort, since, tell):
            if gathered.full_after(hour, keep(records.select(*RECORDS)), gone):
                break
        records = gathered.records()
        read = self.count(person, case_id, records, scope)
        return Page(
            shown(records[: read.shown], scope),
            gathered.next if read.shown == records.height else None,
            read.total,
            scope.most_records,
            gathered.gone,
            effort,
        )

    def everything(
        self, person: Person, case: Case, scope: Scope, tell: Tell
    ) -> tuple[pl.DataFrame, int]:
        """Return all records of a scope (columns RECORDS), and how many are gone, for an export.

        Raises UsageError where they are more than the case may read.
        """
        parts, gone, height = [pl.DataFrame(schema=RECORDS)], 0, 0
        for records, lost in self.placed(person, case, scope, tell):
            parts.append(records.select(*RECORDS))
            gone += lost
            height += records.height
            if height > scope.most_records:
                raise UsageError(
                    f"more than the {scope.most_records:,} records that the case may read: narrow "
                    "the question, or ask for more with `partywall case request`"
                )
        return pl.concat(parts), gone

    def placed(
        self, person: Person, case: Case, scope: Scope, tell: Tell
    ) -> Iterator[tuple[pl.DataFrame, int]]:
        """Yield the records of a scope by the hour (columns PLACED), and how many are gone.

        For what is done with records unseen, however many they are: nobody is shown them.
        """
        effort = Effort()
        for _, records, lost in self._hours(case, scope, person, effort, None, tell):
            yield records, lost

    def asking(
        self,
        person: Person,
        act: Act,
        case_id: str,
        question: Question,
        facts: Mapping[str, Fact] | None = None,
    ) -> Asked:
        """Let a question through and write it down, its predicate sealed; raises RefusedError."""
        gate = self.cases.gate
        with gate.store.reading() as store:
            seen = store.case(case_id)
        scope = None if seen is None or seen.scope is None else narrowed(seen.scope, question)
        also = OUTSIDE if scope is None else None
        digest = "" if scope is None else scope.digest()
        predicate = None if scope is None else scope.canonical()
        with gate.act(
            person, act, case_id, {"query": digest, **(facts or {})}, sealed=predicate, also=also
        ) as going:
            if scope is None:
                raise RefusedError(NO_CASE)
            return Asked(going.case, scope, going.written)

    def count(self, person: Person, case_id: str, records: pl.DataFrame, scope: Scope) -> Read:
        """Count records as shown, and write that down, before they are.

        Returns how many of them may be shown: as many as the case may still read. Raises
        RefusedError where that is none, or the case has ended meanwhile.
        """
        gate, marks = self.cases.gate, ids(records, scope.salt)
        with gate.store.reading() as store:
            before = store.shown(case_id)
            unseen = set(store.unseen(case_id, marks))
        left = scope.most_records - before
        may, fresh = len(marks), 0
        for at, mark in enumerate(marks):
            fresh += mark in unseen
            if fresh > left:
                may = at
                break
        also = None
        if marks and not may:
            also = (
                f"the case has read the {scope.most_records:,} records it may: ask for more with "
                "`partywall case request`"
            )
        marks = marks[:may]
        facts: dict[str, Fact] = {
            "records": may,
            "digest": hashlib.sha256(b"".join(marks)).hexdigest(),
        }
        sealed = b"".join(marks) if may <= _LISTED else None
        with gate.act(person, Act.READ, case_id, facts, sealed=sealed, also=also) as going:
            going.store.show(case_id, marks)
            return Read(may, going.store.shown(case_id))

    def _hours(
        self, case: Case, scope: Scope, person: Person, effort: Effort, since: Place | None,
        tell: Tell,
    ) -> Iterator[tuple[int | None, pl.DataFrame, int]]:  # fmt: skip
        lender = borrow(self.keys, case, person)
        first = None if since is None else since.hour
        policy = self._since(case.category)
        for hour in self.search_in.hours(scope, policy, lender, effort, first):
            tell(hour.start, effort)
            yield hour.start, hour.records, hour.gone

    def _since(self, category: str) -> int:
        """Return the first policy version whose records a category may show; 0 for all of them.

        The purpose of a category holds for records collected once the policy named it.
        """
        named = self._policy.current.investigations.categories.get(category)
        if named is None or named.purpose is None:
            return 0
        since = self._policy.first_with(named.purpose)
        if since is None:
            raise RefusedError(
                f"the policy does not name the purpose of {category}: no record may serve it"
            )
        return 0 if since == self._policy.versions[0].version else since

    def destroy_day(self, day: int, requester: str, approver: str) -> int:
        """Have a day's sealing key destroyed that two people want gone; return how many."""
        return self.keys.destroy_day(day, requester, approver)

    def _take_back(self, person: Person, case: Case) -> None:
        if case.opened is not None:
            self.keys.revoke(case.id, person.name)
