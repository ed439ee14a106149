"""Within a case: what its scope holds is found in the order of time, and nothing else is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipeline.audit.signing import read_vkey
from pipeline.cases.life import State
from pipeline.errors import RefusedError, SettingsError, UnavailableError, UsageError
from pipeline.evidence.proof import checker
from pipeline.evidence.verify import verify
from pipeline.investigations.export import export
from pipeline.investigations.narrowing import Question
from pipeline.investigations.paging import Place
from pipeline.investigations.related import related
from pipeline.investigations.retention import purge
from pipeline.scope import Selectors
from tests.support.postgres_server import PostgresServer
from tests.unit.cases.making import APPROVER, BOTH, HOUR, INVESTIGATOR, OFFICER
from tests.unit.investigations.making import ABUSER, NOW, Bureau, about, bureau, line, traffic

LINES = traffic()


def of(address: str) -> list[str]:
    return [one.decode() for one in LINES if one.decode().startswith(f"{address} ")]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """A desk that no test leaves with a case half done."""
    with bureau(tmp_path_factory.mktemp("b")) as made:
        made.write(LINES[:100])
        made.write(LINES[100:])
        yield made


def test_an_open_case_shows_every_record_of_its_scope_and_no_other(shared: Bureau) -> None:
    case = shared.opened()
    assert shared.lines_of(case.id) == of(ABUSER)
    shown = [entry.facts["records"] for entry in shared.entries("case.read")]
    assert shown[-4:] == [50, 50, 50, 10]


@pytest.mark.parametrize(
    ("selectors", "address"),
    [
        (Selectors(networks=("198.51.100.0/24",)), "198.51.100."),
        (Selectors(networks=("198.51.0.0/16",)), "198.51.100."),
        (Selectors(paths=("/page/*",)), "198.51.100."),
        (Selectors(paths=("/login",)), ABUSER),
        (Selectors(addresses=("198.51.100.3",), networks=("203.0.113.64/30",)), ABUSER),
    ],
)
def test_what_has_no_token_is_found_by_looking(
    shared: Bureau, selectors: Selectors, address: str
) -> None:
    case = shared.opened(about(selectors=selectors))
    expected = [one.decode() for one in LINES if one.decode().startswith(address)]
    found = shared.lines_of(case.id)
    if selectors.addresses:
        found = [one for one in found if one.startswith(address)]
    assert sorted(found) == sorted(expected)


def test_of_what_was_done_one_address_s_part_can_be_asked_for(shared: Bureau) -> None:
    case = shared.opened(about(selectors=Selectors(paths=("/page/*", "/login*"))))
    found = shared.lines_of(case.id, Question(selectors=Selectors(addresses=(ABUSER,))))
    assert sorted(found) == sorted(one.decode() for one in LINES if one.startswith(ABUSER.encode()))
    assert found


def test_a_question_is_a_part_of_the_scope_or_refused(shared: Bureau) -> None:
    wide = about(selectors=Selectors(networks=("198.51.100.0/24",)))
    case = shared.opened(wide)
    one = Question(selectors=Selectors(addresses=("198.51.100.4",)))
    assert shared.lines_of(case.id, one) == of("198.51.100.4")
    beyond = {
        "selectors": Question(selectors=Selectors(addresses=(ABUSER,))),
        "sites": Question(sites=("blog",)),
        "time span": Question(first=NOW - 49 * HOUR),
        "sites, time span, selectors": Question(
            ("shop", "blog"), None, NOW + 1, Selectors(paths=("/*",), addresses=(ABUSER,))
        ),
    }
    for parts, question in beyond.items():
        with pytest.raises(RefusedError, match=rf"outside of the case's scope \({parts}\): "):
            shared.desk.search(INVESTIGATOR, case.id, question)
        assert shared.entries("case.search")[-1].outcome == "refused"


def test_related_activity_stays_within_the_scope(shared: Bureau) -> None:
    case = shared.opened(about(selectors=Selectors(networks=("198.51.100.0/24",))))
    page = related(shared.desk, INVESTIGATOR, case.id, "198.51.100.4", "network", size=1000)
    assert page.records.height == sum(one.startswith(b"198.51.100.") for one in LINES)
    narrow = shared.opened(about(ABUSER))
    with pytest.raises(RefusedError, match="outside"):
        related(shared.desk, INVESTIGATOR, narrow.id, ABUSER, "network")


def test_only_the_scope_s_fields_are_shown(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, fields=("time", "status")))
    page = shared.desk.search(INVESTIGATOR, case.id, Question())
    assert page.records.columns == ["record", "time", "status"]


def test_no_more_records_are_read_than_the_case_may(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, most_records=70))
    first = shared.desk.search(INVESTIGATOR, case.id, Question(), size=50)
    again = shared.desk.search(INVESTIGATOR, case.id, Question(), size=50)
    assert (first.read, again.read) == (50, 50), "a record that was read counts once"
    rest = shared.desk.search(INVESTIGATOR, case.id, Question(), size=50, since=first.next)
    assert rest.records.height == 20
    assert rest.read == 70
    page = shared.desk.search(INVESTIGATOR, case.id, Question(), size=1000)
    assert page.records.height == 70, "what was read may be looked at again"


def test_a_page_that_begins_before_the_scope_begins_with_it(shared: Bureau) -> None:
    scope = about(first=NOW - 3 * HOUR, selectors=Selectors(paths=("/login*",)))
    case = shared.opened(scope)
    whole = shared.desk.search(INVESTIGATOR, case.id, Question())
    early = shared.desk.search(INVESTIGATOR, case.id, Question(), since=Place(NOW - 40 * HOUR, 0))
    assert early.records.equals(whole.records)
    assert early.effort == whole.effort, "what lies before it is not opened, and not counted"


def test_who_has_read_all_they_may_learns_no_more_by_asking(shared: Bureau) -> None:
    """A question that finds unread records and one that finds none are answered alike."""
    case = shared.opened(about(selectors=Selectors(networks=("198.51.100.0/24",)), most_records=1))
    shared.desk.search(INVESTIGATOR, case.id, Question(), size=1)
    told: list[object] = []
    answers = []
    for address in ("198.51.100.3", "198.51.100.200"):
        question = Question(selectors=Selectors(addresses=(address,)), first=NOW - 5 * HOUR)
        page = shared.desk.search(
            INVESTIGATOR, case.id, question, size=1, tell=lambda *said: told.append(said)
        )
        answers.append((page.records.height, page.next, page.gone, page.effort, page.read))
    assert answers[0] == answers[1]
    assert told == []


def test_what_is_not_shown_is_not_asked_for_either(shared: Bureau) -> None:
    scope = about(selectors=Selectors(networks=("198.51.100.0/24",)), fields=("status", "bytes"))
    case = shared.opened(scope)
    for name, question in {
        "address": Question(selectors=Selectors(addresses=("198.51.100.3",))),
        "target": Question(selectors=Selectors(paths=("/p*",))),
        "agent": Question(selectors=Selectors(agents=("x",))),
        "time": Question(first=NOW - HOUR),
    }.items():
        with pytest.raises(RefusedError, match=rf"outside of the case's scope \(fields: {name}\)"):
            shared.desk.search(INVESTIGATOR, case.id, question)
    for by in ("agent", "provider"):
        with pytest.raises(RefusedError):
            related(shared.desk, INVESTIGATOR, case.id, "198.51.100.3", by)


def test_what_lies_outside_is_told_alike_whether_there_are_records_or_not(shared: Bureau) -> None:
    case = shared.opened(about("198.51.100.99"))
    said = set()
    for address in (ABUSER, "198.51.100.200"):
        question = Question(selectors=Selectors(addresses=(address,)))
        with pytest.raises(RefusedError) as refused:
            shared.desk.search(INVESTIGATOR, case.id, question)
        said.add(str(refused.value))
    assert len(said) == 1


def test_searches_at_once_read_no_more_than_one_would(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, most_records=5))
    barrier = threading.Barrier(4)

    def look(number: int) -> int:
        hour = NOW - (number + 2) * HOUR
        question = Question(first=hour, last=hour + HOUR - 1)

        def wait(_: pl.DataFrame) -> pl.DataFrame:
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(5)
            return _

        page = shared.desk.search(INVESTIGATOR, case.id, question, keep=wait)
        return page.records.height

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(look, range(4))) == 5


def test_who_may_not_search_learns_nothing_of_the_scope(shared: Bureau) -> None:
    case = shared.opened()
    before = len(shared.entries("case.search"))
    said = set()
    for first in (NOW - HOUR, NOW + HOUR):
        with pytest.raises(RefusedError) as caught:
            shared.desk.search(BOTH, case.id, Question(first=first))
        said.add(str(caught.value))
    assert len(said) == 1
    refused = shared.entries("case.search")[before:]
    assert [entry.outcome for entry in refused] == ["refused"] * 2


def test_a_purge_takes_the_bundles_along(shared: Bureau) -> None:
    case = shared.opened()
    done = export(shared.desk, shared.office, INVESTIGATOR, case.id, Question())
    kept = shared.opened()
    other = export(shared.desk, shared.office, INVESTIGATOR, kept.id, Question())
    shared.desk.close(INVESTIGATOR, case.id)
    purge(shared.desk, OFFICER, case.id)
    assert not done.path.exists()
    assert other.path.exists()


@pytest.mark.parametrize("person", [APPROVER, BOTH, OFFICER])
def test_nobody_but_the_requester_looks(shared: Bureau, person: object) -> None:
    case = shared.opened()
    with pytest.raises(RefusedError):
        shared.desk.search(person, case.id, Question())  # type: ignore[arg-type]


def test_a_closed_case_ends_a_search_under_way(shared: Bureau) -> None:
    """The keys are taken back first: the very next batch stays shut, and nothing is shown."""
    case = shared.opened(about(selectors=Selectors(paths=("/*",))))
    hours = []

    def close_meanwhile(hour: int | None, _: object) -> None:
        hours.append(hour)
        if len(hours) == 2:
            shared.desk.close(INVESTIGATOR, case.id)

    with pytest.raises(RefusedError):
        shared.desk.search(INVESTIGATOR, case.id, Question(), size=1000, tell=close_meanwhile)
    with pytest.raises(RefusedError, match="closed"):
        shared.desk.search(INVESTIGATOR, case.id, Question())
    assert not [one for one in shared.entries("case.read") if one.case == case.id]


def test_an_export_verifies_offline_and_is_in_the_log(shared: Bureau) -> None:
    case = shared.opened()
    done = export(shared.desk, shared.office, INVESTIGATOR, case.id, Question())
    assert done.written.records == len(of(ABUSER))
    key = str(shared.office.signer.verifier)
    audit = checker(read_vkey(shared.settings.audit.vkey))
    verdict = verify(done.path, key, audit=audit)
    assert verdict.ok, verdict.findings
    assert shared.entries("case.export")[-1].facts["sha256"] == done.written.sha256


def test_a_killed_export_leaves_no_bundle_that_the_case_does_not_list(
    shared: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = shared.opened()
    lost = shared.office.folder / f"{case.id}-999999.zip"
    shared.office.folder.mkdir(exist_ok=True)
    lost.write_bytes(b"PK of a killed export")
    done = export(shared.desk, shared.office, INVESTIGATOR, case.id, Question())
    assert not lost.exists()
    assert done.path.exists()

    def full(*_: object, **__: object) -> None:
        raise UnavailableError("no room")

    monkeypatch.setattr(shared.desk.cases.gate, "write", full)
    before = sorted(shared.office.folder.iterdir())
    with pytest.raises(UnavailableError):
        export(shared.desk, shared.office, INVESTIGATOR, case.id, Question())
    assert sorted(shared.office.folder.iterdir()) == before


def test_old_data_serves_no_new_purpose(tmp_path: Path) -> None:
    """A category whose purpose came with a later version shows nothing collected before it."""
    file = tmp_path / "policy.yaml"
    file.write_text(
        """versions:
  - {version: 1, effective: 1990-01-01T00:00:00Z, purposes: [operation, statistics], k: 10,
     retention: &r {raw_topic_hours: 24, pseudonymous_hours: 48, vault_days: 90, rollups_days: 9}}
  - {version: 2, effective: 2026-03-10T00:00:00Z, purposes: [operation, statistics, abuse], k: 10,
     retention: *r}
"""
    )
    with bureau(tmp_path / "b", policy_file=file) as made:
        made.write(LINES)
        case = made.opened()
        since = NOW - 12 * HOUR
        moments = range(NOW - 40 * HOUR, NOW, 900)
        expected = [line(ABUSER, at, "/login?user=someone") for at in moments if at >= since]
        assert [one.encode() for one in made.lines_of(case.id)] == expected


def test_records_whose_day_is_destroyed_are_counted_and_not_shown(tmp_path: Path) -> None:
    with bureau(tmp_path) as made:
        made.write(LINES)
        made.clock.turn(days=91)
        assert made.store.expire() > 0
        case = made.opened()
        page = made.desk.search(INVESTIGATOR, case.id, Question())
        assert page.records.height == 0
        case = made.opened(about(selectors=Selectors(paths=("/login",))))
        page = made.desk.search(INVESTIGATOR, case.id, Question())
        assert (page.records.height, page.gone) == (0, len(LINES))


def test_the_desk_works_on_postgresql_too(tmp_path: Path, postgres: PostgresServer) -> None:
    with bureau(tmp_path / "b", postgres.database(), postgres.password_file) as made:
        made.write(LINES)
        case = made.opened()
        assert made.lines_of(case.id) == of(ABUSER)
        made.desk.close(INVESTIGATOR, case.id)
        with pytest.raises(RefusedError):
            made.lines_of(case.id)


def test_a_page_has_bounds(shared: Bureau) -> None:
    case = shared.opened()
    for size in (0, 1001):
        with pytest.raises(UsageError, match="page"):
            shared.desk.search(INVESTIGATOR, case.id, Question(), size=size)


def test_an_emergency_reaches_the_records_for_an_hour(tmp_path: Path) -> None:
    with bureau(tmp_path) as made:
        made.write(LINES)
        draft = made.desk.cases.draft(INVESTIGATOR, "abuse", "why", "", about(ABUSER))
        made.desk.emergency(INVESTIGATOR, draft.id, "right now")
        assert made.lines_of(draft.id) == of(ABUSER)
        made.clock.turn(minutes=60)
        with pytest.raises(RefusedError, match="expired"):
            made.lines_of(draft.id)


def test_a_wider_scope_is_searched_once_it_is_approved(shared: Bureau) -> None:
    case = shared.opened(about(ABUSER, first=NOW - HOUR))
    few = shared.lines_of(case.id)
    wide = replace(about(ABUSER), most_records=5_000)
    shared.desk.cases.widen(INVESTIGATOR, case.id, wide, "all of it")
    assert shared.lines_of(case.id) == few
    shared.desk.approve(APPROVER, case.id)
    assert shared.lines_of(case.id) == of(ABUSER)


def test_cases_and_keys_do_not_share_a_file(tmp_path: Path) -> None:
    """A writer of the one would wait for a writer of the other, which waits for the first."""
    same = str(tmp_path / "both.sqlite")
    with pytest.raises(SettingsError, match="another file"), bureau(tmp_path / "b", same):
        pass


def test_an_approval_that_was_cut_off_is_whole(
    shared: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the store has it, the first search tells the key service; before, it waits."""
    cases = shared.desk.cases
    made = cases.draft(INVESTIGATOR, "abuse", "why", "", about(ABUSER))
    cases.request(INVESTIGATOR, made.id)

    def fails(*_: object, **__: object) -> None:
        raise UnavailableError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.cases.acts.approve", fails)
        with pytest.raises(UnavailableError):
            shared.desk.approve(APPROVER, made.id)
    assert cases.show(APPROVER, made.id)[0].stored is State.REQUESTED
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.investigations.case_desk.grant", fails)
        with pytest.raises(UnavailableError):
            shared.desk.approve(APPROVER, made.id)
    assert cases.show(APPROVER, made.id)[0].stored is State.OPEN
    assert shared.lines_of(made.id) == of(ABUSER)


def test_a_case_is_not_closed_before_its_keys_are_taken_back(
    shared: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = shared.opened()

    def fails(*_: object, **__: object) -> None:
        raise UnavailableError("the key service is away")

    with monkeypatch.context() as patch:
        patch.setattr(shared.desk.keys, "revoke", fails)
        with pytest.raises(UnavailableError):
            shared.desk.close(INVESTIGATOR, case.id)
    assert shared.lines_of(case.id) == of(ABUSER)
    assert shared.desk.close(INVESTIGATOR, case.id).stored is State.CLOSED
