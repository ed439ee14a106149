"""Requests of persons: answered without another's data, in thirty days; erasure leaves the rest."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from pipeline.cases.life import Case, Kind
from pipeline.cases.subject import SUBJECT, for_subject
from pipeline.errors import RefusedError, UnavailableError, UsageError
from pipeline.investigations import erasure, holds
from pipeline.investigations.alone import alone
from pipeline.investigations.deadlines import clock, open_requests
from pipeline.investigations.export import export
from pipeline.investigations.narrowing import Question
from pipeline.investigations.subjects import answer
from pipeline.rows import DAY
from pipeline.scope import Scope, Selectors
from pipeline.vault.check import check
from pipeline.vault.status import vault_status
from tests.unit.cases.making import APPROVER, INVESTIGATOR, OFFICER
from tests.unit.investigations.making import NOW, Bureau, about, bureau, line, traffic

PERSON = "198.51.100.3"
LINES = traffic(visitors=9, hours=12)
OWN = [one.decode() for one in LINES if one.decode().startswith(f"{PERSON} ")]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as one:
        one.write(LINES[:40])
        one.write(LINES[40:])
        yield one


def requested(made: Bureau, scope: Scope | None = None) -> Case:
    """An approved request of a person."""
    cases = made.desk.cases
    asked = for_subject(scope or about(PERSON))
    case = cases.draft(OFFICER, SUBJECT, "what do you have of me?", "letter 9", asked)
    cases.request(OFFICER, case.id)
    return made.desk.approve(APPROVER, case.id)


def erased(made: Bureau, case: Case) -> erasure.Erased:
    made.desk.cases.ask(OFFICER, case.id, Kind.ERASE, "the person asks for it")
    made.desk.approve(APPROVER, case.id)
    return erasure.erase(made.desk, OFFICER, case.id)


def all_lines(made: Bureau) -> list[str]:
    case = made.opened(about(selectors=Selectors(paths=("/*",))))
    return made.lines_of(case.id)


def test_a_person_gets_their_own_records_and_no_raw_line(made: Bureau) -> None:
    case = requested(made)
    done = answer(made.desk, made.office, OFFICER, case.id)
    with zipfile.ZipFile(done.path) as bundle:
        rows = [orjson.loads(row) for row in bundle.read("records.jsonl").splitlines()]
    assert len(rows) == len(OWN)
    assert {row["address"] for row in rows} == {PERSON}
    assert not any("raw" in row for row in rows)


def test_where_others_may_share_the_address_nothing_is_answered(made: Bureau) -> None:
    made.write([line(PERSON, NOW - 60, "/private", "Another/1.0")])
    case = requested(made)
    with pytest.raises(UsageError, match="others may share"):
        answer(made.desk, made.office, OFFICER, case.id)
    assert not list(made.office.folder.glob("*.zip"))
    assert not made.entries("case.read")
    named = about(selectors=Selectors(addresses=(PERSON,), agents=("Another/1.0",)))
    theirs = requested(made, named)
    assert answer(made.desk, made.office, OFFICER, theirs.id).written.records == 1


@pytest.mark.parametrize(
    "selectors", [Selectors(paths=("/x",)), Selectors(networks=("192.0.2.0/24",))]
)
def test_a_person_is_named_and_no_crowd(selectors: Selectors) -> None:
    with pytest.raises(UsageError):
        for_subject(about(selectors=selectors))


def test_the_clock_says_how_many_days_are_left(made: Bureau) -> None:
    case = requested(made)
    now = made.desk.cases.gate.now()
    assert [clock(case, now + later).left for later in (0, 1, DAY - 1)] == [30, 30, 30]
    assert [clock(case, now + 30 * DAY + later).overdue for later in (-1, 0, 1)] == [
        False,
        False,
        True,
    ]
    made.clock.turn(days=31)
    now = made.desk.cases.gate.now()
    assert clock(case, now).left == -1
    assert [one.id for one in open_requests(made.desk.cases.list(OFFICER), now)] == [case.id]
    assert made.desk.cases.list(INVESTIGATOR) == []


def test_erasure_takes_the_person_s_records_and_leaves_all_others(made: Bureau) -> None:
    before = all_lines(made)
    case = requested(made)
    with pytest.raises(UsageError, match="approved with `partywall case approve`"):
        erasure.erase(made.desk, OFFICER, case.id)
    with pytest.raises(UsageError, match="dsr answer"):
        export(made.desk, made.office, OFFICER, case.id, Question())
    for act in ("case.erase", "case.export"):
        assert [one.outcome for one in made.entries(act)] == ["refused"]
    files = set((made.folder / "vault").rglob("*.parquet"))
    done = erased(made, case)
    assert done.records == len(OWN)
    assert all_lines(made) == [one for one in before if one not in OWN]
    assert files.isdisjoint((made.folder / "vault").rglob("*.parquet")), "the old files are gone"
    status = vault_status(str(made.folder / "vault"))
    assert status["records"] == len(LINES) - len(OWN)
    assert status["missing"] == status["orphans"] == 0
    page = made.desk.search(OFFICER, case.id, Question())
    assert page.records.height == 0


def test_what_a_legal_hold_keeps_is_not_erased(made: Bureau) -> None:
    held = made.opened(about(PERSON))
    made.desk.cases.ask(INVESTIGATOR, held.id, Kind.HOLD, "a court")
    made.desk.approve(APPROVER, held.id)
    holds.place(made.desk, INVESTIGATOR, held.id)
    with pytest.raises(UsageError, match="legal hold"):
        erased(made, requested(made))
    assert made.lines_of(held.id) == OWN


def test_nobody_erases_alone(made: Bureau) -> None:
    case = requested(made)
    made.desk.cases.ask(OFFICER, case.id, Kind.ERASE, "asked")
    with pytest.raises(UsageError):
        erasure.erase(made.desk, OFFICER, case.id)
    with pytest.raises(RefusedError):
        made.desk.approve(OFFICER, case.id)
    with pytest.raises(RefusedError):
        erasure.erase(made.desk, APPROVER, case.id)
    other = made.opened()
    with pytest.raises(RefusedError):
        made.desk.cases.ask(INVESTIGATOR, other.id, Kind.ERASE, "why not")


@pytest.mark.parametrize("nth", range(8))
def test_an_erasure_that_was_cut_off_is_brought_to_its_end(
    made: Bureau, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nth write to the vault fails: no record is lost or back, and the next try goes on."""
    before = all_lines(made)
    case = requested(made)
    made.desk.cases.ask(OFFICER, case.id, Kind.ERASE, "asked")
    made.desk.approve(APPROVER, case.id)
    vault, count = made.desk.search_in.vault, 0
    kept = {name: getattr(vault, name) for name in ("put", "create", "remove")}

    def failing(name: str) -> object:
        def act(*words: object) -> object:
            nonlocal count
            count += 1
            if count == nth + 1:
                raise UnavailableError("pulled the plug")
            return kept[name](*words)

        return act

    with monkeypatch.context() as patch:
        for name in kept:
            patch.setattr(vault, name, failing(name))
        try:
            erasure.erase(made.desk, OFFICER, case.id)
        except UnavailableError:
            left = all_lines(made)
            assert set(before) - set(OWN) <= set(left) <= set(before)
    assert erasure.erase(made.desk, OFFICER, case.id).records == len(OWN)
    assert all_lines(made) == [one for one in before if one not in OWN]
    status = vault_status(str(made.folder / "vault"))
    assert status["missing"] == status["orphans"] == 0


def test_a_vault_with_holds_and_erasures_is_checked_to_the_byte(made: Bureau) -> None:
    """No finding for what was done rightly, and each changed file is named."""
    erased(made, requested(made))
    held = made.opened()
    made.desk.cases.ask(INVESTIGATOR, held.id, Kind.HOLD, "a court")
    made.desk.approve(APPROVER, held.id)
    holds.place(made.desk, INVESTIGATOR, held.id)
    vault = made.folder / "vault"
    assert check(str(vault)) == []
    touched = [p for p in vault.rglob("*") if p.is_file() and ("resealed" in str(p)
               or "erasures" in str(p) or "hold-" in str(p))]  # fmt: skip
    assert len(touched) >= 8
    for path in touched:
        data = path.read_bytes()
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        found = check(str(vault))
        path.write_bytes(data)
        name = str(path.relative_to(vault))
        folder, _, rest = name.partition("/")
        assert any(name in one or f"{folder}/{rest.split('/')[0]}" in one for one in found), name
    extra = next(p for p in touched if "resealed" in str(p))
    (extra.parent / f"{extra.name.partition('-')[0]}-0.filter").write_bytes(b"x")
    assert check(str(vault)) != []


def test_records_that_others_may_share_are_not_erased(made: Bureau) -> None:
    made.write([line(PERSON, NOW - 60, "/private", "Another/1.0")])
    before = all_lines(made)
    with pytest.raises(UsageError, match="others may share"):
        erased(made, requested(made))
    assert all_lines(made) == before


def test_an_erasure_waits_for_another_s_end(made: Bureau) -> None:
    """Else the one would remove what the other has written and not listed yet."""
    case = requested(made)
    made.desk.cases.ask(OFFICER, case.id, Kind.ERASE, "asked")
    made.desk.approve(APPROVER, case.id)
    with ThreadPoolExecutor(1) as pool:
        with alone(made.desk.turns):
            going = pool.submit(erasure.erase, made.desk, OFFICER, case.id)
            with pytest.raises(TimeoutError):
                going.result(timeout=2)
            assert len(all_lines(made)) == len(LINES)
        assert going.result(timeout=30).records == len(OWN)


def test_an_answer_names_nobody_else(made: Bureau) -> None:
    made.write([line(PERSON, NOW - 60, "/whois/203.0.113.200?mail=other@example.com")])
    done = answer(made.desk, made.office, OFFICER, requested(made).id)
    assert done.written.records == len(OWN) + 1
    with zipfile.ZipFile(done.path) as bundle:
        files = b"".join(bundle.read(name) for name in bundle.namelist())
    assert b"203.0.113.200" not in files
    assert b"other@example.com" not in files


def test_a_correction_is_shown_with_its_records_and_with_no_others(made: Bureau) -> None:
    case = requested(made)
    with pytest.raises(RefusedError):
        made.desk.cases.correct(INVESTIGATOR, case.id, "not mine to say")
    made.desk.cases.correct(OFFICER, case.id, "that was my guest")
    made.desk.close(OFFICER, case.id)
    theirs = made.opened(about(PERSON))
    page = made.desk.search(INVESTIGATOR, theirs.id, Question(), size=1000)
    [one] = page.corrections
    assert (one.statement, one.records) == ("that was my guest", len(OWN))
    done = export(made.desk, made.office, INVESTIGATOR, theirs.id, Question())
    with zipfile.ZipFile(done.path) as bundle:
        assert b"that was my guest" in bundle.read("custody.json")
    others = made.opened()
    assert made.desk.search(INVESTIGATOR, others.id, Question()).corrections == ()
    assert "my guest" not in str([entry.facts for entry in made.entries()])
