"""A legal hold keeps a case's records, and no others, past the end of their day's key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cases.life import Kind
from pipeline.errors import RefusedError, UnavailableError, UsageError
from pipeline.investigations import holds, retention
from pipeline.investigations.held import Hold, listed
from pipeline.investigations.narrowing import Question
from pipeline.scope import Selectors
from pipeline.vault.check import check
from tests.unit.cases.making import APPROVER, INVESTIGATOR, OFFICER
from tests.unit.investigations.making import ABUSER, Bureau, about, bureau, traffic

LINES = traffic(visitors=9, hours=12)
OWN = [one.decode() for one in LINES if one.decode().startswith(f"{ABUSER} ")]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as one:
        one.write(LINES[:40])
        one.write(LINES[40:])
        yield one


def placed(made: Bureau) -> tuple[str, Hold]:
    """A case with a hold on its records."""
    case = made.opened()
    made.desk.cases.ask(INVESTIGATOR, case.id, Kind.HOLD, "a letter from a court")
    made.desk.approve(APPROVER, case.id)
    return case.id, holds.place(made.desk, INVESTIGATOR, case.id)


def end_the_day(made: Bureau) -> None:
    made.clock.turn(days=91)
    assert made.store.expire() > 0


def test_what_is_held_outlives_its_day_and_nothing_else_does(made: Bureau) -> None:
    _, hold = placed(made)
    assert hold.records == len(OWN)
    end_the_day(made)
    later = made.opened(about(selectors=Selectors(paths=("/*",))))
    page = made.desk.search(INVESTIGATOR, later.id, Question(), size=1000)
    assert page.records["raw"].to_list() == OWN
    assert page.gone == len(LINES) - len(OWN)
    by_address = made.opened(about(ABUSER))
    assert made.lines_of(by_address.id) == OWN
    other = made.opened(about("198.51.100.3"))
    assert made.lines_of(other.id) == []


def test_while_the_day_lives_a_record_is_shown_once(made: Bureau) -> None:
    case_id, _ = placed(made)
    assert made.lines_of(case_id) == OWN


def test_a_hold_needs_a_second_person(made: Bureau) -> None:
    case = made.opened()
    with pytest.raises(UsageError, match="have it approved"):
        holds.place(made.desk, INVESTIGATOR, case.id)
    assert [one.outcome for one in made.entries("case.hold")] == ["refused"]
    made.desk.cases.ask(INVESTIGATOR, case.id, Kind.HOLD, "why")
    with pytest.raises(UsageError):
        holds.place(made.desk, INVESTIGATOR, case.id)
    with pytest.raises(RefusedError):
        made.desk.approve(INVESTIGATOR, case.id)
    made.desk.approve(APPROVER, case.id)
    with pytest.raises(RefusedError):
        holds.place(made.desk, APPROVER, case.id)
    assert holds.place(made.desk, INVESTIGATOR, case.id).records == len(OWN)


def test_a_hold_is_released_by_two_and_its_records_are_gone(made: Bureau) -> None:
    case_id, hold = placed(made)
    assert [one.name for one in listed(made.desk.keys, made.desk.search_in.vault)] == [hold.name]
    end_the_day(made)
    with pytest.raises(RefusedError, match="expired"):
        holds.place(made.desk, INVESTIGATOR, case_id)
    with pytest.raises(RefusedError, match="nobody has ordered"):
        holds.release(made.desk, APPROVER, case_id, hold.name)
    with pytest.raises(RefusedError):
        holds.order_release(made.desk, INVESTIGATOR, case_id, hold.name, "over")
    holds.order_release(made.desk, OFFICER, case_id, hold.name, "the case is over")
    with pytest.raises(UsageError, match="release it first"):
        retention.purge(made.desk, OFFICER, case_id)
    holds.release(made.desk, APPROVER, case_id, hold.name)
    assert listed(made.desk.keys, made.desk.search_in.vault) == []
    assert not [p for p in (made.folder / "vault").rglob("hold-*/**/*") if p.is_file()]
    later = made.opened()
    assert made.lines_of(later.id) == []
    retention.purge(made.desk, OFFICER, case_id)
    whys = [receipt.told["why"] for receipt in made.store.receipts()]
    assert "hold released" in whys


STEPS = ["put", "create", "write"]


@pytest.mark.parametrize("step", STEPS)
def test_a_hold_that_was_interrupted_is_placed_again(
    made: Bureau, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step stops half-way: nothing of it counts, or all of it does."""
    case = made.opened()
    made.desk.cases.ask(INVESTIGATOR, case.id, Kind.HOLD, "why")
    made.desk.approve(APPROVER, case.id)

    def fails(*_: object, **__: object) -> None:
        raise UnavailableError("pulled the plug")

    with monkeypatch.context() as patch:
        if step == "write":
            patch.setattr(holds, "_say", fails)
        else:
            patch.setattr(type(made.desk.search_in.vault), step, fails)
        with pytest.raises(UnavailableError):
            holds.place(made.desk, INVESTIGATOR, case.id)
    assert holds.place(made.desk, INVESTIGATOR, case.id).records == len(OWN)
    assert check(made.desk.search_in.vault) == [], "nothing is left of the first try"
    assert made.lines_of(case.id) == OWN
    end_the_day(made)
    later = made.opened()
    assert made.lines_of(later.id) == OWN


@pytest.mark.parametrize("step", ["release_hold", "_remove", "_say"])
def test_a_release_that_was_interrupted_goes_on(
    made: Bureau, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, hold = placed(made)
    holds.order_release(made.desk, OFFICER, case_id, hold.name, "over")

    def fails(*_: object, **__: object) -> None:
        raise UnavailableError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(made.desk.keys if step == "release_hold" else holds, step, fails)
        with pytest.raises(UnavailableError):
            holds.release(made.desk, APPROVER, case_id, hold.name)
    holds.release(made.desk, APPROVER, case_id, hold.name)
    assert listed(made.desk.keys, made.desk.search_in.vault) == []
    end_the_day(made)
    assert made.lines_of(made.opened().id) == []


def test_holds_stand_in_the_log(made: Bureau) -> None:
    case_id, hold = placed(made)
    [*_, last] = made.entries("case.hold")
    assert (last.outcome, last.case, last.facts["records"]) == ("done", case_id, hold.records)
    assert made.entries("keys.hold")


@pytest.mark.parametrize("step", ["put", "_say"])
def test_a_hold_that_was_never_finished_can_be_released(
    made: Bureau, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is there, its case over: it is known all the same, and no purge loses it."""
    case = made.opened()
    made.desk.cases.ask(INVESTIGATOR, case.id, Kind.HOLD, "why")
    made.desk.approve(APPROVER, case.id)

    def fails(*_: object, **__: object) -> None:
        raise UnavailableError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(holds if step == "_say" else made.desk.search_in.vault, step, fails)
        with pytest.raises(UnavailableError):
            holds.place(made.desk, INVESTIGATOR, case.id)
    [hold] = listed(made.desk.keys, made.desk.search_in.vault)
    made.desk.close(INVESTIGATOR, case.id)
    with pytest.raises(UsageError, match="release it first"):
        retention.purge(made.desk, OFFICER, case.id)
    holds.order_release(made.desk, OFFICER, case.id, hold.name, "never finished")
    holds.release(made.desk, APPROVER, case.id, hold.name)
    assert listed(made.desk.keys, made.desk.search_in.vault) == []
    retention.purge(made.desk, OFFICER, case.id)


@pytest.mark.parametrize("nth", range(3))
def test_a_release_that_was_cut_off_hides_no_record_that_is_not_held(
    made: Bureau, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each step that removes something, look-ups of the same hours go on as before."""
    case_id, hold = placed(made)
    holds.order_release(made.desk, OFFICER, case_id, hold.name, "over")
    vault, count = made.desk.search_in.vault, 0
    kept = {name: getattr(vault, name) for name in ("remove", "drop")}

    def failing(name: str) -> object:
        def act(*words: object) -> object:
            nonlocal count
            count += 1
            if count > nth:
                raise UnavailableError("pulled the plug")
            return kept[name](*words)

        return act

    with monkeypatch.context() as patch:
        for name in kept:
            patch.setattr(vault, name, failing(name))
        if nth < 2:
            with pytest.raises(UnavailableError):
                holds.release(made.desk, APPROVER, case_id, hold.name)
        else:
            holds.release(made.desk, APPROVER, case_id, hold.name)
    assert made.lines_of(made.opened().id) == OWN
    if nth < 2:
        holds.release(made.desk, APPROVER, case_id, hold.name)
    assert not (made.folder / "vault" / f"hold-{hold.name}").exists()
