"""What a case found goes with it: its bundles, wherever a purge stops, whoever has it purged."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import policy
from pipeline.apps.desk import open_room
from pipeline.cases.life import Kind, State
from pipeline.cases.matrix import Act
from pipeline.cases.purging import Round
from pipeline.errors import UnavailableError
from pipeline.investigations import bundles, holds, retention
from pipeline.investigations.export import export
from pipeline.investigations.narrowing import Question
from pipeline.metrics import CASES_OVERDUE
from tests.support.databases import Place
from tests.unit.cases.making import APPROVER, INVESTIGATOR, OFFICER
from tests.unit.investigations.making import Bureau, bureau, traffic

DAYS = policy.load().current.investigations.purge_days


@pytest.fixture
def made(tmp_path: Path, place: Place) -> Iterator[Bureau]:
    """A desk on either kind of database."""
    where = None if place.is_sqlite else place.where
    with bureau(tmp_path / "b", where, place.password_file) as one:
        one.write(traffic(visitors=3, hours=4))
        yield one


def closed(made: Bureau) -> tuple[str, Path]:
    """A case that has looked, noted, exported, and ended; and its bundle."""
    case = made.opened()
    made.lines_of(case.id)
    made.desk.cases.write(INVESTIGATOR, Act.NOTE, case.id, "a note")
    done = export(made.desk, made.office, INVESTIGATOR, case.id, Question())
    made.desk.close(INVESTIGATOR, case.id)
    return case.id, done.path


def state(made: Bureau, case_id: str) -> State:
    with made.desk.cases.gate.store.reading() as store:
        case = store.case(case_id)
    assert case is not None
    return case.stored


def test_a_case_goes_with_its_bundles_when_it_is_due(made: Bureau) -> None:
    case_id, bundle = closed(made)
    content = bundle.read_bytes()[-200:]
    made.clock.turn(days=DAYS, seconds=-1)
    retention.turn(made.desk)
    assert bundle.exists()
    fresh, kept = closed(made)
    made.clock.turn(seconds=1)
    retention.turn(made.desk)
    assert (state(made, case_id), state(made, fresh)) == (State.PURGED, State.CLOSED)
    assert kept.exists()
    files = [one for one in made.folder.rglob("*") if one.is_file()]
    assert bundle not in files
    assert not [one for one in files if content in one.read_bytes()]
    before = len(made.entries())
    retention.turn(made.desk)
    assert len(made.entries()) == before, "done once"


def test_a_purge_that_left_the_bundles_is_finished_by_the_clock(
    made: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was killed behind the deletion, or while the folder was held by another."""
    case_id, bundle = closed(made)

    def fails(*_: object) -> None:
        raise UnavailableError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(bundles, "_sweep", fails)
        with pytest.raises(UnavailableError):
            retention.purge(made.desk, OFFICER, case_id)
    assert state(made, case_id) is State.PURGED
    held = os.open(bundle.parent, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(UnavailableError, match="next try"):
        retention.purge_due(made.desk)
    os.close(held)
    assert bundle.exists()
    retention.turn(made.desk)
    assert not bundle.exists()
    [*_, last] = made.entries("case.purge")
    assert (last.actor, last.outcome, last.case) == ("clock", "done", case_id)


def test_a_round_that_fails_is_told_and_hinders_nobody(
    made: Bureau, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case_id, bundle = closed(made)
    made.clock.turn(days=DAYS, hours=3)

    def fails(*_: object, **__: object) -> None:
        raise UnavailableError("audit log is away")

    with monkeypatch.context() as patch:
        patch.setattr(type(made.log), "record", fails)
        retention.turn(made.desk)
    said = capsys.readouterr()
    assert "cases are overdue" in said.out + said.err
    assert CASES_OVERDUE._value.get() == 1
    assert (state(made, case_id), bundle.exists()) == (State.CLOSED, True)
    retention.turn(made.desk)
    assert CASES_OVERDUE._value.get() == 0
    assert not bundle.exists()


def test_a_legal_hold_keeps_the_case_until_two_have_released_it(made: Bureau) -> None:
    case = made.opened()
    made.desk.cases.ask(INVESTIGATOR, case.id, Kind.HOLD, "a letter from a court")
    made.desk.approve(APPROVER, case.id)
    hold = holds.place(made.desk, INVESTIGATOR, case.id)
    made.desk.close(INVESTIGATOR, case.id)
    made.clock.turn(days=DAYS)
    assert retention.purge_due(made.desk).held == (case.id,)
    holds.order_release(made.desk, OFFICER, case.id, hold.name, "over")
    assert retention.purge_due(made.desk).held == (case.id,)
    holds.release(made.desk, APPROVER, case.id, hold.name)
    assert retention.purge_due(made.desk) == Round(1, ())


def test_whoever_sits_down_at_a_folder_has_purged_what_is_due(tmp_path: Path) -> None:
    with bureau(tmp_path) as made:
        case_id, bundle = closed(made)
        people = {"people": tmp_path / "people.yaml"}
        own = made.settings.investigations.model_copy(update=people)
        settings = made.settings.model_copy(update={"investigations": own})
        made.clock.turn(days=DAYS)
        moment: dt.datetime = made.clock.now
        with open_room(settings, lambda: moment) as room:
            [case] = room.desk.cases.list(OFFICER)
            assert (case.id, case.stored) == (case_id, State.PURGED)
    assert not bundle.exists()
