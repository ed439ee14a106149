"""Random acts by random people, against a small model: no record outside an approved scope.

The model knows four things of a case: who asked, who agreed, until when it is open, and which
addresses it may see. Whatever it does not allow must be refused, and each record shown must stand
in the audit log before.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from pipeline.audit.seal import open_sealed, read_auditor
from pipeline.audit.signing import read_vkey
from pipeline.audit.verify import verify
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person, Role
from pipeline.errors import RefusedError, UsageError
from pipeline.investigations.narrowing import Question
from tests.support.memory import folder_in_memory
from tests.unit.cases.making import APPROVER, BOTH, COLLEAGUE, HOUR, INVESTIGATOR
from tests.unit.investigations.making import ABUSER, NOW, about, attempt, bureau, traffic

PEOPLE = (INVESTIGATOR, COLLEAGUE, APPROVER, BOTH)
ADDRESSES = (ABUSER, "198.51.100.3", "198.51.100.4")
MORE = 10  # hours that `attempt` asks for, from the approval: nobody asks for less than is left
LINES = traffic(visitors=6, hours=6)


@dataclass
class Model:
    """What must be so of one case, worked out without the code under test."""

    requester: Person
    address: str
    state: str = "draft"
    opened: int = 0
    expires: int = 0
    pending: str | None = None
    emergency: bool = False
    shown: set[str] = field(default_factory=set)

    def may_look(self, person: Person, now: int) -> bool:
        return person == self.requester and self.state == "open" and now < self.expires

    def may_decide(self, person: Person) -> bool:
        return (
            Role.APPROVER in person.roles
            and person.name != self.requester.name
            and person.team != self.requester.team
        )

    def is_open(self, now: int) -> bool:
        return self.state == "open" and now < self.expires


class Office(RuleBasedStateMachine):
    """People at one desk."""

    cases = Bundle("cases")

    @initialize()
    def open_the_office(self) -> None:
        self.stack = ExitStack()
        folder = self.stack.enter_context(folder_in_memory())
        self.bureau = self.stack.enter_context(bureau(folder))
        self.bureau.write(LINES)
        self.models: dict[str, Model] = {}

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            log = self.bureau.settings.audit
            with self.bureau.desk.cases.gate.store.reading() as store:
                expected = [(done.entry, done.leaf) for done in store.history()]
            verdict = verify(
                log.folder, read_vkey(log.vkey), witnesses=[log.witness], expected=expected
            )
            self.stack.close()
            assert verdict.ok, verdict.findings

    def now(self) -> int:
        return int(self.bureau.clock().timestamp())

    @rule(
        target=cases,
        person=st.sampled_from((INVESTIGATOR, BOTH)),
        address=st.sampled_from(ADDRESSES),
    )
    def draft(self, person: Person, address: str) -> str:
        made = self.bureau.desk.cases.draft(person, "abuse", "why", "", about(address))
        self.models[made.id] = Model(person, address)
        return made.id

    @rule(target=cases, address=st.sampled_from(ADDRESSES))
    def ask(self, address: str) -> str:
        case = str(self.draft(INVESTIGATOR, address))
        self.request(case, INVESTIGATOR)
        return case

    @rule(target=cases, address=st.sampled_from(ADDRESSES))
    def open_at_once(self, address: str) -> str:
        case = str(self.ask(address))
        self.approve(case, APPROVER)
        return case

    @rule(case=cases, person=st.sampled_from(PEOPLE))
    def request(self, case: str, person: Person) -> None:
        model = self.models[case]
        allowed = person == model.requester and model.state in {"draft", "denied"}
        if self._tried(Act.REQUEST, case, person, allowed=allowed):
            model.state, model.pending = "requested", "open"

    @rule(case=cases, person=st.sampled_from(PEOPLE))
    def emergency(self, case: str, person: Person) -> None:
        model = self.models[case]
        allowed = person == model.requester and model.state == "draft"
        if self._tried(Act.EMERGENCY, case, person, allowed=allowed):
            model.state, model.pending, model.emergency = "open", "ratify", True
            model.opened, model.expires = self.now(), self.now() + HOUR

    @rule(case=cases, person=st.sampled_from(PEOPLE))
    def approve(self, case: str, person: Person) -> None:
        model = self.models[case]
        live = model.state == "requested" or model.is_open(self.now())
        allowed = model.may_decide(person) and live and model.pending in {"open", "extend"}
        if self._tried(Act.APPROVE, case, person, allowed=allowed):
            if model.pending == "open":
                model.state, model.opened = "open", self.now()
                model.expires = self.now() + 72 * HOUR
            else:
                model.expires = max(model.expires, self.now() + MORE * HOUR)
            model.pending = None

    @rule(case=cases, person=st.sampled_from(PEOPLE))
    def deny(self, case: str, person: Person) -> None:
        model = self.models[case]
        live = model.state == "requested" or model.is_open(self.now())
        allowed = model.may_decide(person) and live and model.pending is not None
        if self._tried(Act.DENY, case, person, allowed=allowed):
            if model.pending == "open":
                model.state = "denied"
            elif model.pending == "ratify":
                model.state = "closed"
            model.pending = None

    @rule(case=cases, person=st.sampled_from(PEOPLE))
    def extend(self, case: str, person: Person) -> None:
        model = self.models[case]
        allowed = (
            person == model.requester
            and model.is_open(self.now())
            and model.pending is None
            and model.expires < model.opened + 336 * HOUR
            and (model.expires - self.now()) // HOUR < MORE
        )
        if self._tried(Act.EXTEND, case, person, allowed=allowed):
            model.pending = "extend"

    @rule(case=cases, person=st.sampled_from(PEOPLE))
    def close(self, case: str, person: Person) -> None:
        model = self.models[case]
        own = person == model.requester
        live = model.is_open(self.now())
        allowed = (own and (model.state in {"draft", "requested", "denied"} or live)) or (
            Role.APPROVER in person.roles and live
        )
        if self._tried(Act.CLOSE, case, person, allowed=allowed):
            model.state = "closed"
            model.pending = model.pending if model.pending == "ratify" else None

    @rule(hours=st.sampled_from((0.5, 1, 30, 71, 73)))
    def time_passes(self, hours: float) -> None:
        self.bureau.clock.turn(hours=hours)

    @rule(case=cases, person=st.sampled_from(PEOPLE))
    def look(self, case: str, person: Person) -> None:
        model = self.models[case]
        question = Question(first=NOW - 40 * HOUR)
        before = len(self.bureau.entries("case.read"))
        try:
            page = self.bureau.desk.search(person, case, question, size=1000)
        except RefusedError:
            assert not model.may_look(person, self.now())
            assert self.bureau.entries()[-1].outcome == "refused"
            return
        assert model.may_look(person, self.now())
        expected = [one.decode() for one in LINES if one.decode().startswith(f"{model.address} ")]
        assert page.records["raw"].to_list() == expected
        reads = self.bureau.entries("case.read")
        assert len(reads) == before + 1
        self._stands_in_the_log(reads[-1].sealed, page.records["record"].to_list())

    @rule(case=consumes(cases))
    def look_beyond(self, case: str) -> None:
        """Nobody gets at the addresses of another case."""
        model = self.models[case]
        for address in ADDRESSES:
            if address != model.address:
                try:
                    wanted = about(address).selectors
                    question = Question(selectors=wanted)
                    self.bureau.desk.search(model.requester, case, question)
                except RefusedError:
                    continue
                raise AssertionError(address)

    @invariant()
    def the_log_grows_with_every_act(self) -> None:
        if hasattr(self, "bureau"):
            assert self.bureau.log.size() >= len(self.models)

    def _tried(self, act: Act, case: str, person: Person, *, allowed: bool) -> bool:
        before = self.bureau.log.size()
        try:
            attempt(self.bureau.desk, person, act, case)
        except (RefusedError, UsageError):
            assert not allowed, (act, person.name, self.models[case])
            assert self._since(before) == ["refused"], (act, person.name)
            return False
        assert allowed, (act, person.name, self.models[case])
        return True

    def _since(self, size: int) -> list[str]:
        """Return how each attempt ended that was written from an index on."""
        return [entry.outcome for index, entry in self.bureau.log.entries() if index >= size]

    def _stands_in_the_log(self, sealed: bytes | None, records: list[str]) -> None:
        assert sealed is not None
        private = read_auditor(self.bureau.settings.audit.auditor_key)
        said = open_sealed(private, sealed)
        assert said == b"".join(bytes.fromhex(one) for one in records)


TestOffice = Office.TestCase
TestOffice.settings = settings(
    max_examples=14,
    stateful_step_count=40,
    phases=[Phase.generate],  # an office takes a second to open: what fails is told as it was
)
