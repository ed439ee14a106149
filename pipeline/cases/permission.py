"""The gate: every act is weighed against the table, written to the audit log, and only then done.

An act's block runs inside one transaction of the case store, after its entry in the audit log is
on the disk. Where the log cannot be written nothing happens; where the block fails, the log says
that somebody was allowed to and the store says that nothing came of it. A refused attempt is
written as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from pipeline.audit.entry import Fact
from pipeline.audit.log import AuditLog, Written
from pipeline.audit.seal import seal
from pipeline.cases.life import Case
from pipeline.cases.matrix import Act, why_not
from pipeline.cases.people import CLOCK, Person
from pipeline.cases.present import Present
from pipeline.cases.reading import Done
from pipeline.cases.store import CaseStore
from pipeline.cases.writing import Writing
from pipeline.clock import Clock
from pipeline.errors import RefusedError, UsageError

NO_CASE: Final = (
    "there is no case of that name that you may see: `partywall case list` names those you may"
)
OTHERWISE: Final = "your roles are no longer what they were when you signed in: sign in again"
_ID: Final = re.compile(r"C-[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Going:
    """An act under way: who does it, to which case, in which transaction, and since when."""

    person: Person
    case: Case
    store: Writing
    now: int
    written: Written


@dataclass(frozen=True, slots=True)
class Weighed:
    """What an act's entry says, and why it is refused all the same, None where it is not.

    ``facts`` and ``sealed`` as in :meth:`Gate.act`.
    """

    facts: Mapping[str, Fact] = field(default_factory=dict)
    sealed: bytes | None = field(default=None, repr=False)
    why: str | None = None


Weigh = Callable[[Writing, Case, int], Weighed]
"""Weighs an act against the store, in the act's own transaction: the moment comes last."""


class Gate:
    """Lets an act through, or says why not; either way it is written first."""

    def __init__(
        self,
        store: CaseStore,
        log: AuditLog,
        auditors: bytes,
        clock: Clock,
        present: Present | None = None,
    ) -> None:
        """``auditors`` is their public key (X25519, 32 bytes): predicates are sealed to it.

        ``present`` knows who there is; None where a sign-in provider alone does.
        """
        self.store = store
        self.present = present
        self._log = log
        self._auditors = auditors
        self._clock = clock

    def now(self) -> int:
        """Return the present moment in seconds since 1970 UTC."""
        return int(self._clock().timestamp())

    def still(self, person: Person) -> bool:
        """Tell whether somebody's roles are what they were at the sign-in, as far as we can know.

        What has changed of them is in the audit log at the return. Raises SettingsError where the
        list of people cannot be read, UnavailableError, IntegrityError.
        """
        return self.present is None or self.present.still(person)

    @contextmanager
    def act(
        self,
        person: Person,
        act: Act,
        case_id: str,
        facts: Mapping[str, Fact] | None = None,
        *,
        sealed: bytes | None = None,
        also: str | None = None,
        weigh: Weigh | None = None,
    ) -> Iterator[Going]:
        """Let ``person`` act on a case within the block.

        ``facts`` are open to whoever reads the log, ``sealed`` to auditors alone; ``also`` is why
        it is refused where the table allows it. ``weigh`` says all three where they hang on the
        store; it is asked once the table allows the act, so that whoever may not learns nothing
        by it. Raises RefusedError, UnavailableError, and what ``weigh`` raises.
        """
        if not self.still(person):
            self.refuse(person, act, case_id if _ID.fullmatch(case_id) else None, OTHERWISE)
        with self.store.writing() as store:
            case = store.case(case_id) if _ID.fullmatch(case_id) else None
            now = self.now()
            if case is None or why_not(person, Act.SHOW, case, now):
                why: str | None = NO_CASE
            else:
                why = why_not(person, act, case, now) or also
                if why is None and weigh is not None:
                    weighed = self._weighed(person, act, store, case, now, weigh)
                    facts, sealed, why = weighed.facts, weighed.sealed, weighed.why
            named = case_id if _ID.fullmatch(case_id) else None
            if why is None and case is not None:
                written = self.write(
                    person, f"case.{act.value}", "allowed", named, facts, sealed=sealed
                )
                done = Done(written.index, written.leaf, act.value, person.name, now)
                store.remember(case_id, done)
                yield Going(person, case, store, now, written)
                return
        self.refuse(person, act, named, why or NO_CASE, facts if weigh else None)

    def _weighed(
        self, person: Person, act: Act, store: Writing, case: Case, now: int, weigh: Weigh
    ) -> Weighed:
        """Weigh an act; what is a mistake in it is an attempt too, and written as one."""
        try:
            return weigh(store, case, now)
        except UsageError as error:
            self.write(person, f"case.{act.value}", "refused", case.id, {"why": str(error)})
            raise

    @contextmanager
    def drafting(
        self, person: Person, facts: Mapping[str, Fact], sealed: bytes
    ) -> Iterator[tuple[Writing, str, int]]:
        """Let ``person`` make a case within the block: the transaction, its name, the moment."""
        why = why_not(person, Act.DRAFT, None, self.now()) if self.still(person) else OTHERWISE
        if why is not None:
            self.refuse(person, Act.DRAFT, None, why)
        with self.store.writing() as store:
            case_id, now = store.next_id(), self.now()
            written = self.write(person, "case.draft", "allowed", case_id, facts, sealed=sealed)
            yield store, case_id, now
            done = Done(written.index, written.leaf, Act.DRAFT.value, person.name, now)
            store.remember(case_id, done)

    def refuse(
        self,
        person: Person,
        act: Act,
        case_id: str | None,
        why: str,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        """Write the attempt down and raise RefusedError."""
        told = {**(facts or {}), "why": why}
        self.write(person, f"case.{act.value}", "refused", case_id, told)
        raise RefusedError(why)

    def write(
        self,
        person: Person,
        act: str,
        outcome: str,
        case_id: str | None,
        facts: Mapping[str, Fact] | None = None,
        *,
        sealed: bytes | None = None,
    ) -> Written:
        """Append an entry; ``sealed`` is plain here and sealed to the auditors there."""
        secret = None if sealed is None else seal(self._auditors, sealed)
        roles: list[str] = sorted(role.value for role in person.roles)
        told = {"roles": roles, **(facts or {})}
        return self._log.record(person.name, act, outcome, case=case_id, facts=told, sealed=secret)

    def by_clock(
        self, act: str, outcome: str, case_id: str, facts: Mapping[str, Fact] | None = None
    ) -> Written:
        """Append an entry of what falls due by itself: the clock is no person, and has no role.

        So nothing is weighed here against the table, which is of persons.
        """
        return self._log.record(CLOCK, act, outcome, case=case_id, facts=facts or {})
