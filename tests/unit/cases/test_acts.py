"""The life of a case: nobody looks alone, each act is written first, and access ends on time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from pipeline.audit.seal import open_sealed, read_auditor
from pipeline.cases.life import Kind, State
from pipeline.cases.matrix import Act
from pipeline.cases.people import Role
from pipeline.errors import RefusedError, UnavailableError, UsageError
from pipeline.scope import Selectors
from tests.support.databases import Place
from tests.unit.cases.making import (
    APPROVER,
    AUDITOR,
    BOTH,
    COLLEAGUE,
    HOUR,
    INVESTIGATOR,
    OFFICER,
    SCOPE,
    SECOND,
    Office,
)


@pytest.fixture
def office(tmp_path: Path, place: Place) -> Iterator[Office]:
    made = Office(tmp_path / "office", database=place.open("case store"))
    yield made
    made.store.close()


def test_a_case_is_open_once_a_second_person_has_approved_it(office: Office) -> None:
    case = office.cases.draft(INVESTIGATOR, "abuse", "spam from there", "ticket 1", SCOPE)
    assert case.stored is State.DRAFT
    assert office.cases.request(INVESTIGATOR, case.id).stored is State.REQUESTED
    opened = office.cases.approve(APPROVER, case.id, "agreed")
    assert opened.stored is State.OPEN
    assert opened.scope is not None
    assert replace(opened.scope, salt="") == SCOPE
    now = office.gate.now()
    assert opened.expires == now + 72 * HOUR
    assert opened.state(now + 72 * HOUR - 1) is State.OPEN
    assert opened.state(now + 72 * HOUR) is State.EXPIRED


@pytest.mark.parametrize("person", [INVESTIGATOR, COLLEAGUE, AUDITOR, OFFICER])
def test_nobody_approves_for_oneself_or_for_the_own_team(office: Office, person: object) -> None:
    case = office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE)
    office.cases.request(INVESTIGATOR, case.id)
    with pytest.raises(RefusedError):
        office.cases.approve(person, case.id)  # type: ignore[arg-type]
    assert office.entries()[-1].outcome == "refused"


def test_who_holds_both_roles_does_not_approve_the_own_case(office: Office) -> None:
    case = office.cases.draft(BOTH, "abuse", "why", "", SCOPE)
    office.cases.request(BOTH, case.id)
    with pytest.raises(RefusedError, match="second person"):
        office.cases.approve(BOTH, case.id)


def test_a_sensitive_category_needs_two_approvers(office: Office) -> None:
    case = office.cases.draft(INVESTIGATOR, "legal_process", "an order", "court 7", SCOPE)
    office.cases.request(INVESTIGATOR, case.id)
    assert office.cases.approve(APPROVER, case.id).stored is State.REQUESTED
    for person in (APPROVER, replace(APPROVER, name="Approver")):
        with pytest.raises(UsageError, match="another approver"):
            office.cases.approve(person, case.id)
    assert office.cases.approve(SECOND, case.id).stored is State.OPEN


def test_what_is_refused_stands_in_the_log_as_refused_and_never_as_allowed(office: Office) -> None:
    """Whatever can be told before the act is told before its entry."""
    cases = office.cases
    twice = cases.draft(INVESTIGATOR, "legal_process", "an order", "court 7", SCOPE).id
    cases.request(INVESTIGATOR, twice)
    cases.approve(APPROVER, twice)
    waiting, alone = office.opened(), cases.draft(BOTH, "abuse", "why", "", SCOPE).id
    office.clock.turn(hours=1)
    cases.extend(INVESTIGATOR, waiting, 72, "more")
    cases.emergency(BOTH, alone, "now")
    opened, held = office.opened(), office.opened()
    with office.store.writing() as store:
        store.add(held, "hold", "privacy-officer", 0, b'{"hold": "h", "state": "placed"}')
    cases.close(INVESTIGATOR, held)
    refused: dict[str, Callable[[], object]] = {
        "case.approve": lambda: cases.approve(APPROVER, twice),
        "case.ratify": lambda: cases.ratify(APPROVER, waiting),
        "case.extend": lambda: cases.extend(INVESTIGATOR, opened, 1, "no more"),
        "case.widen": lambda: cases.widen(INVESTIGATOR, waiting, SCOPE, "more"),
        "case.hold": lambda: cases.ask(INVESTIGATOR, waiting, Kind.HOLD, "a letter"),
        "case.correct": lambda: cases.correct(
            replace(INVESTIGATOR, roles=frozenset(Role)), opened, "wrong"
        ),
        "case.purge": lambda: office.purge(OFFICER, held),
    }
    for act, attempt in refused.items():
        before = len(office.entries())
        with pytest.raises(UsageError):
            attempt()
        [entry] = office.entries()[before:]
        assert (entry.act, entry.outcome) == (act, "refused")
    before = len(office.entries())
    with pytest.raises(UsageError, match="partywall case ratify"):
        cases.approve(APPROVER, alone)
    assert [one.outcome for one in office.entries()[before:]] == ["refused"]


def test_a_denial_needs_a_reason_and_the_case_may_be_asked_for_again(office: Office) -> None:
    case = office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE)
    office.cases.request(INVESTIGATOR, case.id)
    with pytest.raises(UsageError, match="reason"):
        office.cases.deny(APPROVER, case.id, " ")
    assert office.cases.deny(APPROVER, case.id, "too wide").stored is State.DENIED
    narrower = replace(SCOPE, first=SCOPE.last - HOUR)
    asked = office.cases.request(INVESTIGATOR, case.id, narrower)
    assert asked.asked is not None
    assert asked.asked.first == narrower.first
    assert office.cases.approve(APPROVER, case.id).scope == asked.asked


def test_a_wider_scope_and_more_time_are_new_approvals(office: Office) -> None:
    case_id = office.opened()
    wide = replace(SCOPE, selectors=Selectors(networks=("192.0.2.0/24",)))
    before = office.cases.widen(INVESTIGATOR, case_id, wide, "a whole network")
    assert before.scope is not None
    assert replace(before.scope, salt="") == SCOPE, "until then the old one is in force"
    with pytest.raises(UsageError, match="waits for a decision"):
        office.cases.extend(INVESTIGATOR, case_id, 10, "more time")
    after = office.cases.approve(APPROVER, case_id)
    assert after.scope is not None
    assert after.scope.selectors.networks == ("192.0.2.0/24",)
    office.clock.turn(hours=70)
    office.cases.extend(INVESTIGATOR, case_id, 72, "more time")
    later = office.cases.approve(SECOND, case_id)
    assert later.expires == office.gate.now() + 72 * HOUR
    office.clock.turn(hours=72)
    with pytest.raises(RefusedError, match="expired"):
        office.cases.extend(INVESTIGATOR, case_id, 1, "too late")


def test_an_extension_that_would_add_no_time_is_not_asked_for(office: Office) -> None:
    """Its hours count from the approval: somebody would approve it, and the end stay as it is."""
    case_id = office.opened()
    office.clock.turn(hours=1)
    with pytest.raises(UsageError, match="count from the approval, and the case has 71 left"):
        office.cases.extend(INVESTIGATOR, case_id, 24, "a day more")
    assert office.cases.extend(INVESTIGATOR, case_id, 72, "a day more").pending is not None


def test_an_emergency_is_short_of_one_site_and_must_be_ratified(office: Office) -> None:
    case = office.cases.draft(INVESTIGATOR, "abuse", "why", "", replace(SCOPE, sites=("a", "b")))
    with pytest.raises(UsageError, match="one site"):
        office.cases.emergency(INVESTIGATOR, case.id, "now")
    case = office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE)
    opened = office.cases.emergency(INVESTIGATOR, case.id, "it goes on right now")
    now = office.gate.now()
    assert opened.expires == now + HOUR
    assert not opened.unratified(now + 24 * HOUR)
    assert opened.unratified(now + 24 * HOUR + 1)
    with pytest.raises(RefusedError):
        office.cases.ratify(INVESTIGATOR, case.id)
    office.clock.turn(hours=23)
    ratified = office.cases.ratify(APPROVER, case.id)
    assert not ratified.unratified(office.gate.now() + 1000 * HOUR)


def test_an_emergency_ratified_too_late_is_flagged_for_good(office: Office) -> None:
    case = office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE)
    office.cases.emergency(INVESTIGATOR, case.id, "now")
    office.clock.turn(hours=25)
    assert office.cases.ratify(APPROVER, case.id).unratified(office.gate.now())


def test_a_closed_case_is_purged_to_its_bones(office: Office, place: Place) -> None:
    case_id = office.opened()
    office.cases.write(INVESTIGATOR, Act.NOTE, case_id, "seen-nothing-else")
    office.cases.disclose(INVESTIGATOR, case_id, "police", "warrant", "bundle 1")
    office.cases.close(INVESTIGATOR, case_id, "done")
    with pytest.raises(RefusedError):
        office.purge(INVESTIGATOR, case_id)
    office.purge(OFFICER, case_id)
    case, added = office.cases.show(AUDITOR, case_id)
    assert case.stored is State.PURGED
    assert (case.reason, case.scope, added) == ("", None, [])
    assert b"seen-nothing-else" not in place.bytes_at_rest()


def test_nothing_that_people_write_lies_in_the_clear(office: Office, place: Place) -> None:
    case_id = office.opened()
    office.cases.write(INVESTIGATOR, Act.NOTE, case_id, "a-telling-note")
    rest = place.bytes_at_rest()
    rest += b"".join(p.read_bytes() for p in office.folder.rglob("*") if p.is_file())
    for text in (b"192.0.2.7", b"a-telling-note", b"a reason", b"ticket 1"):
        assert text not in rest


def test_the_auditors_read_reason_and_scope(office: Office) -> None:
    office.opened()
    [draft] = [entry for entry in office.entries() if entry.act == "case.draft"]
    assert draft.sealed is not None
    private = read_auditor(office.places.auditor)
    said = orjson.loads(open_sealed(private, draft.sealed))
    assert said["reason"] == "a reason"
    assert said["scope"]["selectors"]["addresses"] == ["192.0.2.7"]


def test_each_act_is_written_before_it_is_done_and_not_done_where_it_cannot_be(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = office.opened()
    before = office.cases.list(AUDITOR)

    def full(*_: object, **__: object) -> None:
        raise UnavailableError("the disk is full")

    monkeypatch.setattr(office.log, "append", full)
    for act in (
        lambda: office.cases.close(INVESTIGATOR, case_id),
        lambda: office.cases.extend(INVESTIGATOR, case_id, 5, "why"),
        lambda: office.cases.write(INVESTIGATOR, Act.NOTE, case_id, "text"),
        lambda: office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE),
        lambda: office.cases.disclose(INVESTIGATOR, case_id, "a", "b", "c"),
    ):
        with pytest.raises(UnavailableError):
            act()
    assert office.cases.list(AUDITOR) == before


def test_what_was_done_names_its_entry_in_the_log(office: Office) -> None:
    case_id = office.opened()
    entries = dict(office.log.entries())
    with office.store.reading() as store:
        done = store.history(case_id)
    assert [one.act for one in done] == ["draft", "request", "approve"]
    for one in done:
        assert entries[one.entry].act == f"case.{one.act}"
        assert entries[one.entry].actor == one.actor
        assert office.log.proof(one.entry).leaf == one.leaf


@pytest.mark.parametrize("case_id", ["C-99", "192.0.2.7", "C-1", ""])
def test_who_may_not_see_a_case_learns_nothing_of_it(office: Office, case_id: str) -> None:
    """A case of another and one that is not there are refused alike; what was typed is not kept."""
    office.opened()
    with pytest.raises(RefusedError) as caught:
        office.cases.show(BOTH if case_id != "C-1" else replace(COLLEAGUE, roles=BOTH.roles
                          - {*APPROVER.roles}), case_id)  # fmt: skip
    assert "no case of that name that you may see" in str(caught.value)
    assert "192.0.2.7" not in str(office.entries()[-1])


def test_a_request_of_a_person_has_thirty_days(office: Office) -> None:
    with pytest.raises(RefusedError, match="privacy_officer"):
        office.cases.draft(INVESTIGATOR, "data_subject_request", "asked", "letter", SCOPE)
    case = office.cases.draft(OFFICER, "data_subject_request", "asked", "letter", SCOPE)
    assert case.due == office.gate.now() + 30 * 24 * HOUR
    office.cases.request(OFFICER, case.id)
    assert office.cases.approve(APPROVER, case.id).stored is State.OPEN


def test_no_digest_in_the_open_log_can_be_tried_out(office: Office) -> None:
    """Two cases of one scope have other digests: a salt that only the sealed part holds."""
    for _ in range(2):
        office.opened()
    drafts = [entry for entry in office.entries() if entry.act == "case.draft"]
    digests = {str(entry.facts["scope"]) for entry in drafts}
    assert len(digests) == 2
    assert SCOPE.digest() not in digests


def test_emergencies_do_not_follow_each_other(office: Office) -> None:
    """One a person within the hours for ratifying, and none while one waits: no case in pieces."""
    first, second, third = (
        office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE).id for _ in range(3)
    )
    office.cases.emergency(INVESTIGATOR, first, "right now")
    with pytest.raises(RefusedError, match="one emergency a person"):
        office.cases.emergency(INVESTIGATOR, second, "and now")
    office.cases.ratify(APPROVER, first)
    with pytest.raises(RefusedError, match="one emergency a person"):
        office.cases.emergency(INVESTIGATOR, second, "and now")
    office.clock.turn(hours=25)
    office.cases.emergency(INVESTIGATOR, second, "a day later")
    office.clock.turn(hours=50)
    with pytest.raises(RefusedError, match="one emergency a person"):
        office.cases.emergency(INVESTIGATOR, third, "the last one was never ratified")
    other = office.cases.draft(BOTH, "abuse", "why", "", SCOPE)
    office.cases.emergency(BOTH, other.id, "another person's")


def test_an_approval_is_of_what_was_seen(office: Office) -> None:
    case_id = office.opened()
    office.clock.turn(hours=70)
    office.cases.extend(INVESTIGATOR, case_id, 10, "more time")
    pending = office.cases.show(APPROVER, case_id)[0].pending
    assert pending is not None
    office.cases.deny(SECOND, case_id, "no", seen=pending.number)
    wide = replace(SCOPE, selectors=Selectors(paths=("/*",)))
    office.cases.widen(INVESTIGATOR, case_id, wide, "everything")
    for decide in (office.cases.approve, office.cases.deny):
        with pytest.raises(UsageError, match="look at the case again"):
            decide(APPROVER, case_id, "as I saw it", seen=pending.number)
    after = office.cases.show(APPROVER, case_id)[0]
    assert after.scope is not None
    assert after.scope.selectors == SCOPE.selectors


def test_the_log_says_what_was_asked_for_and_what_was_agreed_to(office: Office) -> None:
    case = office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE)
    other = replace(SCOPE, selectors=Selectors(paths=("/*",)))
    office.cases.request(INVESTIGATOR, case.id, other)
    opened = office.cases.approve(APPROVER, case.id)
    assert opened.scope is not None
    by_act = {entry.act: entry for entry in office.entries()}
    request, approve = by_act["case.request"], by_act["case.approve"]
    assert request.facts["scope"] == approve.facts["scope"] == opened.scope.digest()
    assert request.sealed is not None
    said = orjson.loads(open_sealed(read_auditor(office.places.auditor), request.sealed))
    assert said["scope"]["selectors"]["paths"] == ["/*"]


def test_one_person_in_two_spellings_is_no_second_person(office: Office) -> None:
    case = office.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE)
    office.cases.request(INVESTIGATOR, case.id)
    with pytest.raises(RefusedError, match="second person"):
        office.cases.approve(replace(APPROVER, name="Investigator"), case.id)


def test_a_person_s_request_reaches_a_person(office: Office) -> None:
    crowd = replace(SCOPE, selectors=Selectors(networks=("198.51.100.0/24",)))
    with pytest.raises(UsageError, match="more than one person"):
        office.cases.draft(OFFICER, "data_subject_request", "asked", "", crowd)
    case = office.cases.draft(OFFICER, "data_subject_request", "asked", "", SCOPE)
    assert case.asked is not None
    assert "raw" not in case.asked.fields
    with pytest.raises(UsageError, match="more than one person"):
        office.cases.request(OFFICER, case.id, crowd)
    office.cases.request(OFFICER, case.id)
    office.cases.approve(APPROVER, case.id)
    with pytest.raises(UsageError, match="more than one person"):
        office.cases.widen(OFFICER, case.id, crowd, "more")


def test_a_purge_that_could_not_be_wiped_is_wiped_by_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = office.opened()
    office.cases.close(INVESTIGATOR, case_id)

    def busy() -> None:
        raise UnavailableError("being read")

    with monkeypatch.context() as patch:
        patch.setattr(office.store, "wipe", busy)
        with pytest.raises(UnavailableError):
            office.purge(OFFICER, case_id)
    wiped = []
    monkeypatch.setattr(office.store, "wipe", lambda: wiped.append(1))
    office.purge(OFFICER, case_id)
    assert wiped == [1]
