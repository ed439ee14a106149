"""The desk: the one place from which people work on cases, by the command line or the pages.

Acts without records are those of ``case_desk``. Those with records are here: each is weighed,
written to the audit log, then carried out with keys that the key service lends to the case; and
what was found is counted and written down before anybody sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from pipeline.audit.entry import Fact
from pipeline.audit.log import Written
from pipeline.cases.acts import Cases
from pipeline.cases.life import Case
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.cases.permission import Weighed
from pipeline.cases.writing import Writing
from pipeline.errors import RefusedError, UsageError
from pipeline.investigations.borrowing import borrow
from pipeline.investigations.case_desk import CaseDesk
from pipeline.investigations.corrections import corrections
from pipeline.investigations.narrowing import Question, beyond, narrowed, outside
from pipeline.investigations.paging import MOST_SHOWN, Gathered, Page, Place
from pipeline.investigations.records import RECORDS
from pipeline.investigations.search import Search
from pipeline.investigations.segments import Effort
from pipeline.investigations.showing import ids, shown
from pipeline.keys.release_client import ReleaseClient
from pipeline.policy import Policy
from pipeline.scope import Scope

_LISTED: Final = 1_000
_UNNAMED: Final = "the policy does not name the purpose of {}: no record may serve it"

Keep = Callable[[pl.DataFrame], pl.DataFrame]
"""Leaves out some of the records found (columns RECORDS)."""


Also = Callable[[Case, Scope], str | None]
"""Says why a question is refused all the same; raises UsageError for one that is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was let through: the case, the part of its scope, the entry in the log."""

    case: Case
    scope: Scope
    written: Written


@dataclass(frozen=True, slots=True)
class Read:
    """Those of the records given that may be shown, and how many the case has read in all."""

    records: pl.DataFrame = field(repr=False)
    total: int


Tell = Callable[[int | None, Effort], None]
"""Is told the hour that was gone through, and what that took so far."""


def _tell_nothing(_: int | None, __: Effort) -> None:
    """Stand for nobody who is told."""


class Desk(CaseDesk):
    """Everything a person may do with cases, records included."""

    def __init__(
        self, cases: Cases, search: Search, keys: ReleaseClient, policy: Policy, turns: Path
    ) -> None:
        super().__init__(cases, keys, turns)
        self.search_in = search
        self._policy = policy

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
        full = self._has_read_all(case.id, scope)
        told = _tell_nothing if full else tell
        for hour, records, gone in self._hours(case, scope, person, effort, since, told):
            found = keep(records.select(*RECORDS))
            found = self._seen(case.id, found, scope) if full else found
            if gathered.full_after(hour, found, 0 if full else gone):
                break
        read = self.count(person, case_id, gathered.records(), scope)
        records, store = read.records, self.cases.gate.store
        return Page(
            shown(records, scope),
            gathered.next,
            read.total,
            scope.most_records,
            gathered.gone,
            Effort() if full else effort,
            corrections(store, records),
        )

    def _has_read_all(self, case_id: str, scope: Scope) -> bool:
        """Tell whether a case has read as many records as it may.

        From then on a search finds those alone, and says nothing of others: not by a page that goes
        on, nor by what it opened on the way.
        """
        with self.cases.gate.store.reading() as store:
            return store.shown(case_id) >= scope.most_records

    def _seen(self, case_id: str, records: pl.DataFrame, scope: Scope) -> pl.DataFrame:
        """Return those of the records that the case has read before."""
        marks = ids(records, scope.salt)
        with self.cases.gate.store.reading() as store:
            unseen = set(store.unseen(case_id, marks))
        return records.filter(pl.Series([m not in unseen for m in marks], dtype=pl.Boolean))

    def everything(
        self, person: Person, case: Case, scope: Scope, tell: Tell
    ) -> tuple[pl.DataFrame, int]:
        """Return all records of a scope (columns RECORDS), and how many are gone, for an export.

        Raises UsageError where they are more than the case may read.
        """
        parts, gone, height = [pl.DataFrame(schema=RECORDS)], 0, 0
        full = self._has_read_all(case.id, scope)
        for placed, lost in self.placed(person, case, scope, _tell_nothing if full else tell):
            records = placed.select(*RECORDS)
            records = self._seen(case.id, records, scope) if full else records
            parts.append(records)
            gone += 0 if full else lost
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
        also: Also | None = None,
    ) -> Asked:
        """Let a question through and write it down, its predicate sealed; raises RefusedError.

        Raises UsageError for a question that is none, to whoever may ask there at all.
        """
        asked: list[Scope] = []

        def weigh(_: Writing, case: Case, __: int) -> Weighed:
            scope = None if case.scope is None else narrowed(case.scope, question)
            if case.scope is None or scope is None:
                apart = outside(case.scope, question) if case.scope else beyond()
                return Weighed(facts or {}, why=apart)
            asked.append(scope)
            why = None if also is None else also(case, scope)
            if self._since(case.category) is None:
                why = _UNNAMED.format(case.category)
            return Weighed({"query": scope.digest(), **(facts or {})}, scope.canonical(), why)

        with self.cases.gate.act(person, act, case_id, weigh=weigh) as going:
            return Asked(going.case, asked[-1], going.written)

    def count(
        self,
        person: Person,
        case_id: str,
        records: pl.DataFrame,
        scope: Scope,
        *,
        whole: bool = False,
    ) -> Read:
        """Count records as shown, and write that down, before they are.

        Returns those of them that may be shown: all that were read before, and new ones in order
        as long as the case may still read any. What is left out is not told apart from what is not
        there, or whoever has read all they may could go on asking. ``whole``: none of them may be
        left out while the case may still read some; raises UsageError then, and counts nothing.
        Raises RefusedError where the case has ended meanwhile.
        """
        marks = ids(records, scope.salt)
        kept: list[bool] = []

        def weigh(store: Writing, _: Case, __: int) -> Weighed:
            unseen = set(store.unseen(case_id, marks))
            left = scope.most_records - store.shown(case_id)
            if whole and 0 < left < len(unseen):
                raise UsageError(
                    f"the case may read {left:,} records more, and these are more: narrow the "
                    "question, or ask for more with `partywall case request`"
                )
            taken: set[bytes] = set()
            for mark in marks:
                if mark in unseen and mark not in taken and len(taken) < left:
                    taken.add(mark)
                kept.append(mark not in unseen or mark in taken)
            may = [mark for mark, keep in zip(marks, kept, strict=True) if keep]
            digest = hashlib.sha256(b"".join(may)).hexdigest()
            sealed = b"".join(may) if len(may) <= _LISTED else None
            return Weighed({"records": len(may), "digest": digest}, sealed)

        with self.cases.gate.act(person, Act.READ, case_id, weigh=weigh) as going:
            going.store.show(case_id, [m for m, keep in zip(marks, kept, strict=True) if keep])
            return Read(
                records.filter(pl.Series(kept, dtype=pl.Boolean)), going.store.shown(case_id)
            )

    def _hours(
        self, case: Case, scope: Scope, person: Person, effort: Effort, since: Place | None,
        tell: Tell,
    ) -> Iterator[tuple[int | None, pl.DataFrame, int]]:  # fmt: skip
        lender = borrow(self.keys, case, person)
        first = None if since is None else since.hour
        policy = self._since(case.category)
        if policy is None:
            raise RefusedError(_UNNAMED.format(case.category))
        named = case.scope is not None and case.scope.named
        for hour in self.search_in.hours(scope, policy, lender, effort, first, named=named):
            tell(hour.start, effort)
            yield hour.start, hour.records, hour.gone

    def _since(self, category: str) -> int | None:
        """Return the first policy version whose records a category may show: 0 all, None no one's.

        The purpose of a category holds for records collected once the policy named it.
        """
        named = self._policy.current.investigations.categories.get(category)
        if named is None or named.purpose is None:
            return 0
        since = self._policy.first_with(named.purpose)
        if since is None:
            return None
        return 0 if since == self._policy.versions[0].version else since
