"""A case that is over goes by itself, to the second that the policy says, and leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import LargeBinary, select, update

from pipeline import policy
from pipeline.cases.life import Case, State
from pipeline.cases.matrix import Act
from pipeline.cases.purging import GRACE, Round, overdue, purge_due
from pipeline.cases.tables import CASES, TABLES
from pipeline.errors import IntegrityError, SettingsError, UnavailableError, UsageError
from tests.support.databases import Place
from tests.unit.cases.making import (
    APPROVER,
    AUDITOR,
    HOUR,
    INVESTIGATOR,
    OFFICER,
    SCOPE,
    Office,
)

POLICY: Final = policy.load().current
DAYS: Final = POLICY.investigations.purge_days
NOTHING: Final = Round(0, ())


@pytest.fixture
def office(tmp_path: Path, place: Place) -> Iterator[Office]:
    made = Office(tmp_path / "office", database=place.open("case store"))
    yield made
    made.store.close()


def turn(office: Office) -> Round:
    return purge_due(office.gate, POLICY, lambda: None)


def late(office: Office) -> int:
    """How many cases are overdue, as somebody without any key sees it."""
    with office.store.reading_plain() as plain:
        return overdue(plain, DAYS, office.gate.now())


def case_of(office: Office, case_id: str) -> Case:
    with office.store.reading() as store:
        found = store.case(case_id)
    assert found is not None
    return found


def sealed(place: Place) -> list[bytes]:
    """The beginning of all that is sealed, the cases' keys, and what records were shown."""
    database, found = place.open("case store"), []
    with database.reading() as connection:
        for table in TABLES.sorted_tables:
            held = [one for one in table.columns if isinstance(one.type, LargeBinary)]
            for row in connection.execute(select(*held)) if held else ():
                found += [bytes(one)[:16] for one in row if one is not None]
    database.close()
    return found


def as_draft(office: Office) -> str:
    return office.cases.draft(INVESTIGATOR, "abuse", "why", "ticket", SCOPE).id


def as_requested(office: Office) -> str:
    case_id = as_draft(office)
    office.clock.turn(days=100)
    office.cases.request(INVESTIGATOR, case_id)
    return case_id


def as_half_approved(office: Office) -> str:
    case = office.cases.draft(INVESTIGATOR, "legal_process", "an order", "", SCOPE)
    office.cases.request(INVESTIGATOR, case.id)
    office.clock.turn(days=100)
    office.cases.approve(APPROVER, case.id, "agreed")
    return case.id


def as_denied(office: Office) -> str:
    case_id = as_draft(office)
    office.cases.request(INVESTIGATOR, case_id)
    office.clock.turn(days=100)
    office.cases.deny(APPROVER, case_id, "too wide")
    return case_id


def as_closed(office: Office) -> str:
    case_id = office.opened()
    office.clock.turn(hours=10)
    office.cases.write(INVESTIGATOR, Act.NOTE, case_id, "a note")
    with office.store.writing() as store:
        store.show(case_id, [bytes(range(16))])
    office.cases.close(INVESTIGATOR, case_id, "done")
    return case_id


def as_expired(office: Office) -> str:
    case_id = office.opened()
    office.clock.turn(hours=72)
    return case_id


OVER: Final = [as_draft, as_requested, as_half_approved, as_denied, as_closed, as_expired]


@pytest.mark.parametrize("over", OVER, ids=lambda one: one.__name__)
def test_a_case_goes_purge_days_after_it_was_over_and_no_second_before(
    office: Office, place: Place, over: object
) -> None:
    """Whatever was sealed for it, its key, the records it has shown: in no file of the database."""
    case_id = over(office)  # type: ignore[operator]
    before = sealed(place)
    assert all(one in place.bytes_at_rest() for one in before), "this test would see them"
    case, now = case_of(office, case_id), office.gate.now()
    assert case.purged_from(now, DAYS) == now + DAYS * 24 * HOUR
    office.clock.turn(days=DAYS, seconds=-1)
    assert turn(office) == NOTHING
    assert case_of(office, case_id).reason
    office.clock.turn(seconds=1)
    assert turn(office) == Round(1, ())
    case, added = office.cases.show(AUDITOR, case_id)
    assert (case.stored, case.reason, case.asked, case.read, added) == (
        State.PURGED, "", None, 0, [],
    )  # fmt: skip
    assert sealed(place) == []
    rest = place.bytes_at_rest()
    assert not [one for one in before if one in rest]


def test_the_log_is_told_by_the_clock_before_and_after_once(office: Office) -> None:
    case_id = as_closed(office)
    office.clock.turn(days=DAYS)
    over = case_of(office, case_id).ended
    turn(office)
    assert turn(office) == NOTHING
    said = [one for one in office.entries() if one.act == "case.purge"]
    assert [(one.actor, one.outcome, one.case) for one in said] == [
        ("clock", "allowed", case_id),
        ("clock", "done", case_id),
    ]
    assert said[0].facts == {
        "policy": POLICY.version, "state": "closed", "over": over, "days": DAYS,
    }  # fmt: skip


def test_an_open_case_stays_and_so_does_what_somebody_came_back_to(office: Office) -> None:
    old = as_denied(office)
    office.clock.turn(days=DAYS - 1)
    office.cases.request(INVESTIGATOR, old)
    running = office.opened()
    office.clock.turn(days=1)
    assert turn(office) == NOTHING
    assert case_of(office, old).purged_from(office.gate.now(), DAYS) is not None
    assert case_of(office, running).purged_from(office.gate.now(), DAYS) is None


def test_what_is_owed_to_somebody_is_not_purged_before(office: Office) -> None:
    """With a policy that purges within days: a person's answer, an emergency's second person."""
    asked = office.cases.draft(OFFICER, "data_subject_request", "asked", "", SCOPE)
    alone = as_draft(office)
    office.cases.emergency(INVESTIGATOR, alone, "now")
    now = office.gate.now()
    office.clock.turn(hours=1)
    assert case_of(office, asked.id).purged_from(now, 1) == now + 30 * 24 * HOUR
    assert case_of(office, alone).purged_from(now + HOUR, 0) == now + 24 * HOUR


def test_nothing_is_purged_that_the_log_does_not_hold(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = as_closed(office)
    office.clock.turn(days=DAYS)

    def fails(*_: object, **__: object) -> None:
        raise UnavailableError("audit log is away")

    with monkeypatch.context() as patch:
        patch.setattr(office.log, "record", fails)
        with pytest.raises(UnavailableError):
            turn(office)
        assert case_of(office, case_id).reason
        office.clock.turn(seconds=GRACE - 1)
        assert late(office) == 0
        office.clock.turn(seconds=1)
        assert late(office) == 1
    assert turn(office) == Round(1, ())
    assert late(office) == 0


@pytest.mark.parametrize("step", ["remove", "wipe", "done"])
def test_a_purge_that_was_cut_off_is_finished_by_the_next_round(
    office: Office, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whoever began it: the clock, or a person whose machine went down."""
    one, other = as_closed(office), as_closed(office)
    office.clock.turn(days=DAYS)
    steps: list[str] = []

    def takes(name: str) -> None:
        steps.append(name)
        if name == step:
            raise UnavailableError("pulled the plug")

    by_clock, write = office.gate.by_clock, office.gate.write

    with monkeypatch.context() as patch:
        patch.setattr(office.store, "wipe", lambda: takes("wipe"))
        patch.setattr(
            office.gate, "by_clock",
            lambda *a: takes("done") if a[1] == "done" else by_clock(*a),
        )  # fmt: skip
        patch.setattr(
            office.gate, "write",
            lambda *a, **k: takes("done") if a[2] == "done" else write(*a, **k),
        )  # fmt: skip
        with pytest.raises(UnavailableError):
            office.purge(OFFICER, other, lambda: takes("remove"))
        with pytest.raises(UnavailableError):
            purge_due(office.gate, POLICY, lambda: takes("remove"))
        office.clock.turn(seconds=GRACE)
        assert late(office) == 2
    removed: list[int] = []
    wiped: list[int] = []
    wipe = office.store.wipe

    def wipes() -> None:
        wipe()
        wiped.append(1)

    monkeypatch.setattr(office.store, "wipe", wipes)
    assert purge_due(office.gate, POLICY, lambda: removed.append(1)) == NOTHING
    assert (removed, wiped) == ([1], [1])
    done = [str(e.case) for e in office.entries() if (e.act, e.outcome) == ("case.purge", "done")]
    assert sorted(done) == sorted([one, other])
    assert purge_due(office.gate, POLICY, lambda: removed.append(1)) == NOTHING
    assert (removed, wiped) == ([1], [1])
    assert late(office) == 0


def test_a_living_hold_keeps_a_case_and_is_told(office: Office) -> None:
    case_id = office.opened()
    with office.store.writing() as store:
        store.add(case_id, "hold", "investigator", 1, b'{"hold":"C-1-2","state":"placed"}')
    office.cases.close(INVESTIGATOR, case_id)
    office.clock.turn(days=DAYS, seconds=GRACE)
    assert turn(office) == Round(0, (case_id,))
    assert case_of(office, case_id).held
    assert late(office) == 0, "it is not overdue"
    with pytest.raises(UsageError, match="release it first"):
        office.purge(OFFICER, case_id)
    assert office.entries()[-1].outcome == "refused"
    with office.store.writing() as store:
        store.add(case_id, "hold", "approver", 2, b'{"hold":"C-1-2","state":"released"}')
    assert turn(office) == Round(1, ())


def test_a_damaged_case_keeps_no_other_from_going(office: Office, place: Place) -> None:
    broken, sound = as_closed(office), as_closed(office)
    database = place.open("case store")
    with database.writing() as connection:
        connection.execute(update(CASES).where(CASES.c.id == broken).values(wrapped_key=bytes(40)))
    database.close()
    office.clock.turn(days=DAYS, seconds=GRACE)
    assert turn(office) == Round(1, ())
    assert case_of(office, sound).stored is State.PURGED
    with pytest.raises(IntegrityError):
        case_of(office, broken)
    assert late(office) == 1


def test_a_policy_purges_after_a_day_or_more(tmp_path: Path) -> None:
    made = tmp_path / "policy.yaml"
    text = (Path(__file__).parents[3] / "schemas/policy/default.yaml").read_text()
    made.write_text(text.replace("purge_days: 365", "purge_days: 0"))
    with pytest.raises(SettingsError, match="purge_days must be 1 or more"):
        policy.load(made)
