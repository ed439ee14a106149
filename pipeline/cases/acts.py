"""What people do with a case: ask, agree, refuse, extend, write down, close.

Every method has the act weighed (``weighing``) and written (``permission``) first. Free reasons,
scopes and notes are sealed in the audit log and in the store. How a case is purged: ``purging``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson
import structlog

from pipeline.audit.entry import Fact
from pipeline.cases.decisions import approve, deny
from pipeline.cases.life import Case, Decision, Kind, Request, State
from pipeline.cases.matrix import Act, why_not
from pipeline.cases.people import Person, Role
from pipeline.cases.permission import Gate, Going, Weighed
from pipeline.cases.reading import Added
from pipeline.cases.subject import SUBJECT, of_category
from pipeline.cases.weighing import (
    LONGEST,
    asking,
    check_text,
    correcting,
    deciding,
    extending,
    opening_alone,
    sealed,
    see_nothing_waits,
    told,
)
from pipeline.cases.writing import Writing
from pipeline.errors import UsageError
from pipeline.policy import Policy
from pipeline.scope import Scope, checked

CORRECTION: Final = "correction"
"""What the store calls a person's statement that records about them are wrong."""

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR

_log = structlog.get_logger(__name__)


Before = Callable[[Person, Case], None]
"""Done within an act, before it changes anything."""


def _nothing(_: Person, __: Case) -> None:
    """Stand for nothing to be done before."""


class Cases:
    """The acts on cases, apart from those that touch records."""

    def __init__(self, gate: Gate, policy: Policy) -> None:
        self.gate = gate
        self.policy = policy
        self._terms = policy.current.investigations

    def draft(
        self, person: Person, category: str, reason: str, reference: str, scope: Scope
    ) -> Case:
        """Make a case that nobody has been asked about yet; raises UsageError, RefusedError."""
        asked = of_category(category, checked(scope)).salted()
        check_text("reason", reason)
        if len(reference) > LONGEST:
            raise UsageError("reference: say it shorter")
        if category not in self._terms.categories:
            raise UsageError(
                f"category: the policy knows {', '.join(sorted(self._terms.categories))}"
            )
        role = Role.PRIVACY_OFFICER if category == SUBJECT else Role.INVESTIGATOR
        if role not in person.roles:
            self.gate.refuse(
                person, Act.DRAFT, None, f"a case for {category} is opened by the role {role.value}"
            )
        facts: dict[str, Fact] = {"category": category, "scope": asked.digest()}
        with self.gate.drafting(person, facts, sealed(reason, asked)) as (store, case_id, now):
            due = now + self._terms.answer_days * _DAY if category == SUBJECT else None
            store.make(
                case_id,
                reason=reason,
                reference=reference,
                asked=asked,
                requester=person.name,
                team=person.team,
                category=category,
                policy=self.policy.current.version,
                made=now,
                emergency=False,
                due=due,
            )
        return self._case(case_id)

    def request(self, person: Person, case_id: str, scope: Scope | None = None) -> Case:
        """Ask for approval of a draft, or of a denied case again, with another scope if given."""
        asked = None if scope is None else checked(scope)

        def wanted(case: Case) -> Scope | None:
            if asked is None:
                return case.asked
            return of_category(case.category, asked).salted(case.asked)

        def weigh(_: Writing, case: Case, __: int) -> Weighed:
            see_nothing_waits(case)
            scope = wanted(case)
            if scope is None:
                return Weighed(why="the case has no scope left to ask for: open a new one")
            return Weighed({"scope": scope.digest()}, sealed(case.reason, scope))

        with self.gate.act(person, Act.REQUEST, case_id, weigh=weigh) as going:
            scope = wanted(going.case)
            self._ask(going, Kind.OPEN, scope, self._terms.open_hours, going.case.reason)
            going.store.change(case_id, state=State.REQUESTED.value, asked=scope)
        return self._case(case_id)

    def emergency(self, person: Person, case_id: str, reason: str) -> Case:
        """Open a draft alone: one site, an hour at most, everybody alarmed, to be ratified.

        One a person within the hours for ratifying, and none while one waits for that.
        """
        check_text("reason", reason)
        minutes, hours = self._terms.emergency_minutes, self._terms.ratify_hours
        weigh = opening_alone(person, reason, self._terms)
        with self.gate.act(person, Act.EMERGENCY, case_id, weigh=weigh) as going:
            going.store.change(
                case_id,
                scope=going.case.asked,
                state=State.OPEN.value,
                emergency=True,
                opened=going.now,
                expires=going.now + minutes * 60,
                ratify_by=going.now + hours * _HOUR,
            )
            self._ask(going, Kind.RATIFY, None, None, reason)
        _log.critical("emergency access", case=case_id, minutes=minutes, ratify_hours=hours)
        return self._case(case_id)

    def approve(
        self, person: Person, case_id: str, reason: str = "", *, seen: int | None = None
    ) -> Case:
        """Agree to what a case asks for; the last of the approvals needed carries it out.

        ``seen`` is the number of the request that was looked at: another one, asked for meanwhile,
        is not agreed to. None agrees to whatever waits.
        """
        return self._agree(person, Act.APPROVE, case_id, reason, seen)

    def deny(
        self,
        person: Person,
        case_id: str,
        reason: str,
        *,
        seen: int | None = None,
        before: Before = _nothing,
    ) -> Case:
        """Refuse what a case asks for; one denial is enough, and needs a reason.

        ``seen`` as in :meth:`approve`; ``before`` takes the keys of an emergency back that nobody
        ratifies.
        """
        check_text("reason", reason)
        weigh = deciding(person, Act.DENY, reason, seen)
        with self.gate.act(person, Act.DENY, case_id, weigh=weigh) as going:
            pending = going.case.pending
            if pending is not None and pending.kind is Kind.RATIFY:
                before(person, going.case)
            deny(going, Decision(person.name, going.now, approved=False, reason=reason))
        return self._case(case_id)

    def ratify(
        self, person: Person, case_id: str, reason: str = "", *, seen: int | None = None
    ) -> Case:
        """Agree to an emergency afterwards; ``seen`` as in :meth:`approve`."""
        return self._agree(person, Act.RATIFY, case_id, reason, seen)

    def extend(self, person: Person, case_id: str, hours: int, reason: str) -> Case:
        """Ask that the case run until ``hours`` after the approval of this; raises UsageError."""
        check_text("reason", reason)
        if not 1 <= hours <= self._terms.open_hours:
            raise UsageError(f"hours: 1 to {self._terms.open_hours}")
        weigh = extending(hours, reason, self._terms)
        with self.gate.act(person, Act.EXTEND, case_id, weigh=weigh) as going:
            self._ask(going, Kind.EXTEND, None, hours, reason)
        return self._case(case_id)

    def widen(self, person: Person, case_id: str, scope: Scope, reason: str) -> Case:
        """Ask for another scope; until that is approved the old one is in force."""
        check_text("reason", reason)
        asked = checked(scope)

        def weigh(_: Writing, case: Case, __: int) -> Weighed:
            see_nothing_waits(case)
            wanted = of_category(case.category, asked).salted(case.asked)
            return Weighed({"scope": wanted.digest()}, sealed(reason, wanted))

        with self.gate.act(person, Act.WIDEN, case_id, weigh=weigh) as going:
            wanted = of_category(going.case.category, asked).salted(going.case.asked)
            self._ask(going, Kind.WIDEN, wanted, None, reason)
        return self._case(case_id)

    def ask(self, person: Person, case_id: str, kind: Kind, reason: str) -> Case:
        """Ask for a legal hold or an erasure of the case's records."""
        check_text("reason", reason)
        act = {Kind.HOLD: Act.HOLD, Kind.ERASE: Act.ERASE}[kind]
        with self.gate.act(person, act, case_id, weigh=asking(reason)) as going:
            self._ask(going, kind, None, None, reason)
        return self._case(case_id)

    def close(
        self, person: Person, case_id: str, reason: str = "", *, before: Before = _nothing
    ) -> Case:
        """End a case, or withdraw it before it was opened. What it asks for is withdrawn too.

        ``before`` takes its keys back: it is done first, and where it fails nothing changes.
        """
        with self.gate.act(person, Act.CLOSE, case_id, sealed=told(reason)) as going:
            before(person, going.case)
            for request in going.case.requests:
                if request.state == "pending" and request.kind is not Kind.RATIFY:
                    going.store.settle(request.number, "withdrawn")
            going.store.change(case_id, state=State.CLOSED.value, ended=going.now)
        return self._case(case_id)

    def write(self, person: Person, act: Act, case_id: str, text: str) -> None:
        """Add a note or a finding (Act.NOTE, Act.FINDING)."""
        check_text(act.value, text)
        with self.gate.act(person, act, case_id) as going:
            going.store.add(case_id, act.value, person.name, going.now, text.encode())

    def correct(self, person: Person, case_id: str, statement: str) -> None:
        """Add a person's statement of what is wrong with the records in the case's scope.

        Raises UsageError where the case never had a scope, or is no request of a person.
        """
        check_text("statement", statement)
        weigh = correcting(statement)
        with self.gate.act(person, Act.CORRECT, case_id, weigh=weigh) as going:
            scope = going.case.scope
            assert scope is not None  # noqa: S101 -- the act was weighed
            said = {"statement": statement, "scope": scope.canonical().decode()}
            going.store.add(case_id, CORRECTION, person.name, going.now, orjson.dumps(said))

    def disclose(self, person: Person, case_id: str, to: str, basis: str, what: str) -> None:
        """Add to the ledger that something was given away: to whom, by which law, what, when."""
        for name, value in (("to", to), ("basis", basis), ("what", what)):
            check_text(name, value)
        entry = orjson.dumps({"to": to, "basis": basis, "what": what})
        with self.gate.act(person, Act.DISCLOSE, case_id, sealed=entry) as going:
            going.store.add(case_id, "disclosure", person.name, going.now, entry)

    def show(self, person: Person, case_id: str) -> tuple[Case, list[Added]]:
        """Return a case with all that was added to it; raises RefusedError."""
        with self.gate.act(person, Act.SHOW, case_id) as going:
            return going.case, going.store.added(case_id)

    def list(self, person: Person) -> list[Case]:
        """Return the cases that a person may see, oldest first."""
        now = self.gate.now()
        with self.gate.store.reading() as store:
            found = store.cases()
        return [case for case in found if why_not(person, Act.SHOW, case, now) is None]

    def _agree(self, person: Person, act: Act, case_id: str, reason: str, seen: int | None) -> Case:
        weigh = deciding(person, act, reason, seen)
        with self.gate.act(person, act, case_id, weigh=weigh) as going:
            decision = Decision(person.name, going.now, approved=True, reason=reason)
            approve(going, decision, self._terms)
        return self._case(case_id)

    def _ask(
        self, going: Going, kind: Kind, scope: Scope | None, hours: int | None, told: str
    ) -> None:
        category = self._terms.categories.get(going.case.category)
        needed = 1 if category is None or kind is Kind.RATIFY else category.approvers
        going.store.ask(
            going.case.id,
            Request(0, kind, going.person.name, going.person.team, going.now, needed, "pending",
                    hours, scope, told),
        )  # fmt: skip

    def _case(self, case_id: str) -> Case:
        with self.gate.store.reading() as store:
            found = store.case(case_id)
        assert found is not None  # noqa: S101 -- it was changed a moment ago
        return found
