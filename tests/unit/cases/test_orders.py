"""A day's end is ordered by a privacy officer and agreed to by a second person, on record first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.audit.seal import open_sealed, read_auditor
from pipeline.cases import orders
from pipeline.cases.people import Person, Role
from pipeline.cases.reading import Order
from pipeline.errors import RefusedError, UnavailableError
from tests.support.databases import Place
from tests.unit.cases.making import APPROVER, BOTH, OFFICER, PEOPLE, Office

DAY = 20_000
TEAMMATE = Person("teammate", frozenset({Role.APPROVER}), "privacy")
ALL_ROLES = Person("all-roles", frozenset(Role))


@pytest.fixture
def office(place: Place, tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "data", database=place.open("case store"))
    yield made
    made.store.close()


def ordered(office: Office) -> Order | None:
    with office.store.reading() as store:
        return store.ordered(DAY)


def test_order_and_agreement_are_on_record_and_the_reason_is_for_auditors(office: Office) -> None:
    orders.order(office.gate, OFFICER, DAY, "a person's reason")
    assert orders.agree(office.gate, APPROVER, DAY).by == OFFICER.name
    asked, agreed = office.entries()
    assert (asked.actor, asked.act, asked.outcome) == (
        OFFICER.name, "keys.destroy_day", "allowed",
    )  # fmt: skip
    assert asked.sealed is not None
    assert b"a person's reason" not in asked.sealed
    assert "a person's reason" not in repr(asked.facts)
    assert open_sealed(read_auditor(office.places.auditor), asked.sealed) == b"a person's reason"
    assert (agreed.actor, agreed.facts["ordered_by"]) == (APPROVER.name, OFFICER.name)
    assert ordered(office) is not None, "until it is carried out, so that a try may be repeated"
    orders.carried_out(office.gate, DAY)
    assert ordered(office) is None


@pytest.mark.parametrize("person", [p for p in PEOPLE if p is not OFFICER], ids=lambda p: p.name)
def test_only_a_privacy_officer_orders(office: Office, person: Person) -> None:
    with pytest.raises(RefusedError, match="privacy_officer"):
        orders.order(office.gate, person, DAY, "a reason")
    assert ordered(office) is None
    assert [entry.outcome for entry in office.entries()] == ["refused"]


@pytest.mark.parametrize("person", [*PEOPLE, TEAMMATE, ALL_ROLES], ids=lambda p: p.name)
def test_only_an_approver_of_another_team_agrees(office: Office, person: Person) -> None:
    orders.order(office.gate, OFFICER, DAY, "a reason")
    if Role.APPROVER in person.roles and person.team != OFFICER.team:
        orders.agree(office.gate, person, DAY)
        return
    with pytest.raises(RefusedError, match="second person"):
        orders.agree(office.gate, person, DAY)
    assert office.entries()[-1].outcome == "refused"


def test_who_may_do_both_does_not_do_both(office: Office) -> None:
    orders.order(office.gate, ALL_ROLES, DAY, "a reason")
    with pytest.raises(RefusedError, match="second person"):
        orders.agree(office.gate, ALL_ROLES, DAY)
    assert orders.agree(office.gate, APPROVER, DAY).by == ALL_ROLES.name


def test_another_spelling_of_a_name_is_no_second_person(office: Office) -> None:
    orders.order(office.gate, ALL_ROLES, DAY, "a reason")
    with pytest.raises(RefusedError, match="second person"):
        orders.agree(office.gate, replace(ALL_ROLES, name="All-Roles"), DAY)
    assert office.entries()[-1].outcome == "refused"


def test_nobody_agrees_to_what_was_not_ordered(office: Office) -> None:
    orders.order(office.gate, OFFICER, DAY + 1, "a reason")
    with pytest.raises(RefusedError, match="nobody has ordered that"):
        orders.agree(office.gate, BOTH, DAY)


def test_what_stands_against_a_day_is_told_to_whoever_may_order_it_and_written(
    office: Office,
) -> None:
    def in_use(_: int) -> str:
        return "that day is still sealed to"

    with pytest.raises(RefusedError, match="privacy_officer"):
        orders.order(office.gate, APPROVER, DAY, "a reason", in_use)
    with pytest.raises(RefusedError, match="still sealed to"):
        orders.order(office.gate, OFFICER, DAY, "a reason", in_use)
    assert ordered(office) is None
    orders.order(office.gate, OFFICER, DAY, "a reason")
    with pytest.raises(RefusedError, match="still sealed to"):
        orders.agree(office.gate, APPROVER, DAY, in_use)
    said = [entry.outcome for entry in office.entries()]
    assert said == ["refused", "refused", "allowed", "refused"]


def test_without_the_audit_log_nothing_is_ordered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise UnavailableError("audit log: No space left on device")

    monkeypatch.setattr(office.log, "record", full)
    with pytest.raises(UnavailableError):
        orders.order(office.gate, OFFICER, DAY, "a reason")
    assert ordered(office) is None
