"""The desk's pages: every form needs its token and its role, and shows what may be done now."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.audit.findings import Verdict
from pipeline.cases.life import Case, Kind
from pipeline.cases.people import Person, Role
from pipeline.errors import PartywallError, RefusedError
from pipeline.investigations.desk import Tell
from pipeline.investigations.narrowing import Question
from pipeline.investigations.paging import Page as Found
from pipeline.investigations.segments import Effort
from pipeline.investigations.trail import Wanted
from pipeline.web.pages import PAGES, Work
from pipeline.web.pages.deciding import ACTS
from pipeline.web.pages.telling import WAITS
from pipeline.web.visits import Page
from tests.support.desk_pages import ADDRESS, AGENT, TARGET, DeskHouse, records
from tests.support.pages import Browser
from tests.unit.cases.making import APPROVER, INVESTIGATOR, PEOPLE, SCOPE

SCOPE_FORM: Final = {
    "sites": "shop",
    "first": "2026-03-08",
    "last": "2026-03-10",
    "addresses": ADDRESS,
    "shown": "time",
    "most": "100",
}


@pytest.fixture
def house(tmp_path: Path) -> DeskHouse:
    return DeskHouse(tmp_path)


def _posts() -> list[str]:
    return [page.path for page in PAGES if page.method == "POST"]


@pytest.mark.parametrize("path", _posts())
async def test_no_form_does_anything_without_its_token_or_from_elsewhere(
    house: DeskHouse, path: str
) -> None:
    case = house.office.opened()
    name = "auditor" if path == "/audit" else "investigator"
    browser = await house.person(name)
    before = len(house.office.entries())
    real = path.replace("{case}", case)
    assert (await browser.post(real, token="0" * 64)).status_code == 403
    await browser.get("/")
    answer = await browser.post(real, {"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert len(house.office.entries()) == before


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.roles], ids=lambda p: f"{p.method} {p.path}"
)
@pytest.mark.parametrize("role", list(Role))
async def test_a_page_of_other_roles_is_closed(
    house: DeskHouse, page: Page[Work], role: Role
) -> None:
    person = next(p for p in PEOPLE if p.roles == {role})
    browser = await house.person(person.name)
    path = page.path.replace("{case}", "C-1")
    token = browser.token()
    if page.method == "POST":
        await browser.post(path, token=token)
    else:
        await browser.get(path)
    assert page.roles is not None
    assert (browser.title == "Not yours to do") is (role not in page.roles)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda p: p.name)
@pytest.mark.parametrize("name", sorted(ACTS))
async def test_the_page_offers_what_may_be_done_and_nothing_else_can_be(
    house: DeskHouse, person: Person, name: str
) -> None:
    """An open case that waits for nothing: an act without a form on its page changes nothing."""
    case = house.office.opened()
    house.office.clock.turn(hours=1)  # an extension would add time by now
    browser = await house.person(person.name)
    token = browser.token()
    await browser.get(f"/cases/{case}")
    offered = f'/cases/{case}/{name}"' in browser.text
    before, was = len(house.said(f"case.{name}")), _case(house, case)
    answer = await browser.post(
        f"/cases/{case}/{name}", token=token,
        reason="r", text="t", to="a", basis="b", what="c", hours="72",
    )  # fmt: skip
    [said] = house.said(f"case.{name}")[before:]
    if offered:
        assert (answer.status_code, said[2]) == (303, "allowed")
    else:
        assert answer.status_code in {400, 403}
        assert said[2] == "refused" or answer.status_code == 400
        assert _case(house, case) == was


async def test_a_case_says_when_it_will_be_purged_and_what_keeps_it(house: DeskHouse) -> None:
    case = house.office.opened()
    browser = await house.person("privacy-officer")
    await browser.get(f"/cases/{case}")
    assert "by itself" not in browser.text, "while it is open nobody can tell"
    house.office.cases.close(INVESTIGATOR, case)
    await browser.get(f"/cases/{case}")
    assert 'by itself, from <time datetime="2027-03-10T12:00:00Z">' in browser.text
    assert "legal hold" not in browser.text
    with house.office.store.writing() as store:
        store.add(case, "hold", "investigator", 1, b'{"hold":"C-1-2","state":"placed"}')
    await browser.get(f"/cases/{case}")
    assert "a legal hold keeps it" in browser.text


def _case(house: DeskHouse, case_id: str) -> Case | None:
    with house.office.store.reading() as store:
        return store.case(case_id)


def test_the_pages_have_a_word_for_whatever_a_case_may_wait_for() -> None:
    assert set(WAITS) == set(Kind)


async def test_nobody_learns_of_a_case_that_is_anothers(house: DeskHouse) -> None:
    case = house.office.opened()
    browser = await house.person("other")
    said = []
    for name in (case, "C-99", "C-1x", ADDRESS):
        for path in (f"/cases/{name}", f"/cases/{name}/search"):
            answer = await browser.get(path)
            said.append((answer.status_code, browser.text))
    assert len(set(said)) == 1
    assert said[0][0] == 403
    assert "no case of that name that you may see" in said[0][1]
    for name in (case, "C-99"):
        await browser.get("/")
        assert (await browser.post(f"/cases/{name}/search")).status_code == 403
        assert "no case of that name that you may see" in browser.text


async def _searched(house: DeskHouse, **question: str) -> tuple[Browser, str]:
    case = house.office.opened()
    browser = await house.person("investigator")
    await browser.get(f"/cases/{case}/search")
    answer = await browser.post(f"/cases/{case}/search", None, **question)
    assert answer.status_code == 303, browser.title
    await browser.get(f"/cases/{case}/results")
    return browser, case


async def test_a_question_beyond_the_scope_is_refused_beside_the_scope(house: DeskHouse) -> None:
    """What was typed is still there, and so is what the case may look at."""
    browser, case = await _searched(house)
    await browser.get(f"/cases/{case}/search")
    answer = await browser.post(f"/cases/{case}/timeline", address="198.51.100.99")
    assert answer.status_code == 403
    assert browser.title == "Search"
    assert "outside of the case" in browser.text
    assert "Scope in force" in browser.text
    assert 'value="198.51.100.99"' in browser.text
    assert house.said("case.search")[-1][2] == "refused"


async def test_the_bar_says_where_and_when_the_case_may_look_also_folded(house: DeskHouse) -> None:
    browser, case = await _searched(house)
    scope = house.office.cases.show(INVESTIGATOR, case)[0].scope
    assert scope is not None
    first, last = (
        dt.datetime.fromtimestamp(one, dt.UTC).strftime("%Y-%m-%d %H:%M")
        for one in (scope.first, scope.last)
    )
    [folded] = re.findall(r"<summary>(Scope in force.*?)</summary>", browser.text)
    assert f"{', '.join(scope.sites)}, {first} to {last} UTC, " in folded


def _without_bar(text: str) -> str:
    return re.sub(r"<aside.*?</aside>", "", text, flags=re.DOTALL)


async def test_values_come_masked_and_one_at_a_time_each_on_record(house: DeskHouse) -> None:
    browser, case = await _searched(house)
    masked = _without_bar(browser.text)
    for value in (ADDRESS, AGENT, TARGET, "whole of the line"):
        assert value not in masked
    assert "IPv4 address" in masked
    assert "user agent, up to 16" in masked
    record = re.findall(r'name="record" value="(\w+)"', masked)[0]
    token = browser.token()
    await browser.post(f"/cases/{case}/reveal", token=token, record=record, field="agent")
    await browser.get(f"/cases/{case}/results")
    assert _without_bar(browser.text).count(AGENT) == 1
    assert TARGET not in browser.text
    answer = await browser.post(
        f"/cases/{case}/reveal", token=token, record=record, field="target", script="yes"
    )
    assert answer.json() == {"target": TARGET}
    assert answer.headers["cache-control"] == "no-store"
    entries = [e for e in house.office.entries() if e.act == "case.reveal"]
    assert [dict(e.facts)["fields"] for e in entries] == [["agent"], ["target"]]
    assert all(e.sealed for e in entries)


async def test_a_record_that_the_case_has_not_shown_is_not_revealed(house: DeskHouse) -> None:
    browser, case = await _searched(house)
    for record in ("00" * 16, "xyz", ""):
        await browser.get("/")
        answer = await browser.post(f"/cases/{case}/reveal", record=record, field="agent")
        assert answer.status_code == 403
        assert "has not shown that record" in browser.text
    assert {one[2] for one in house.said("case.reveal")} == {"refused"}


async def test_a_field_outside_of_the_scope_is_neither_found_nor_revealed(
    tmp_path: Path,
) -> None:
    house = DeskHouse(tmp_path)
    browser = await house.person("investigator")
    await browser.get("/new")
    form = {**SCOPE_FORM, "category": "abuse", "reason": "r", "then": "request"}
    await browser.post("/new", None, **form)
    house.office.cases.approve(APPROVER, "C-1")
    await browser.get("/cases/C-1/search")
    await browser.post("/cases/C-1/search")
    await browser.get("/cases/C-1/results")
    assert "2026-03-10 10:00:00" in browser.text
    assert "user agent" not in browser.text
    record = house.desk.search(INVESTIGATOR, "C-1", Question()).records["record"][0]
    await browser.get("/")
    answer = await browser.post("/cases/C-1/reveal", record=record, field="agent")
    assert answer.status_code == 403
    assert "outside of the case" in browser.text


async def test_what_was_found_is_gone_with_the_case_and_with_the_session(
    house: DeskHouse,
) -> None:
    browser, case = await _searched(house)
    other = await house.person("investigator")
    answer = await other.http.get(f"/cases/{case}/results")
    assert answer.headers["location"] == f"/cases/{case}/search", "another session has it too"
    house.office.clock.turn(hours=1)
    await browser.get(f"/cases/{case}/results")
    assert browser.title == "Sign in"
    browser, case = await _searched(house)
    record = re.findall(r'name="record" value="(\w+)"', browser.text)[0]
    token = browser.token()
    house.office.cases.close(INVESTIGATOR, case)
    answer = await browser.post(
        f"/cases/{case}/reveal", token=token, record=record, field="agent", script="yes"
    )
    assert answer.status_code == 403
    await browser.get(f"/cases/{case}/results")
    assert browser.title == "Not allowed"
    assert house.said("case.reveal")[-2:] == [("investigator", "case.reveal", "refused")] * 2


async def test_pages_of_records_follow_each_other_and_each_is_a_search_on_record(
    house: DeskHouse,
) -> None:
    house.desk.found = records(250)
    browser, case = await _searched(house)
    counts = [browser.text.count('button class="mask" name="field" value="address"')]
    for to in ("next", "next", "before"):
        await browser.post(f"/cases/{case}/page", to=to)
        await browser.get(f"/cases/{case}/results")
        counts.append(browser.text.count('button class="mask" name="field" value="address"'))
    assert counts == [100, 100, 50, 100]
    assert len(house.said("case.search")) == 4
    assert "250 of 10,000 records read" in browser.text


async def test_a_search_that_fails_says_so_and_shows_none_of_its_text(house: DeskHouse) -> None:
    house.desk.failure = RuntimeError(AGENT)
    case = house.office.opened()
    browser = await house.person("investigator")
    await browser.get(f"/cases/{case}/search")
    answer = await browser.post(f"/cases/{case}/search")
    assert answer.status_code == 400
    assert AGENT not in browser.text
    assert "It is our fault" in browser.text


async def test_a_question_outside_of_the_scope_is_refused_with_the_way_to_ask(
    house: DeskHouse,
) -> None:
    case = house.office.opened()
    browser = await house.person("investigator")
    await browser.get(f"/cases/{case}/search")
    answer = await browser.post(f"/cases/{case}/search", addresses="192.0.2.8")
    assert answer.status_code == 403
    assert "ask for a wider one with the form on the case&#39;s page" in browser.text
    assert house.said("case.search") == [("investigator", "case.search", "refused")]
    assert house.said("case.read") == []


async def test_an_export_is_taken_by_its_requester_as_a_file_that_no_cache_keeps(
    house: DeskHouse,
) -> None:
    case = house.office.opened()
    browser = await house.person("investigator")
    await browser.get(f"/cases/{case}")
    await browser.post(f"/cases/{case}/export")
    await browser.get(f"/cases/{case}")
    [bundle] = set(re.findall(r'name="bundle" value="([^"]+)"', browser.text))
    token = browser.token()
    answer = await browser.post(f"/cases/{case}/download", token=token, bundle=bundle)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == f'attachment; filename="{bundle}"'
    assert answer.content.startswith(b"PK")
    for name in ("../cases/cases.sqlite", "", bundle.replace("C-1", "C-2")):
        answer = await browser.post(f"/cases/{case}/download", token=token, bundle=name)
        assert answer.status_code == 403
    other = await house.person("approver")
    answer = await other.post(f"/cases/{case}/download", bundle=bundle)
    assert answer.status_code == 403


async def test_an_emergency_is_above_every_page_of_everybody_until_somebody_decides(
    house: DeskHouse,
) -> None:
    cases = house.office.cases
    case = cases.draft(INVESTIGATOR, "abuse", "r", "", SCOPE).id
    auditor = await house.person("auditor")
    assert "Alarm." not in auditor.text
    cases.emergency(INVESTIGATOR, case, "it goes on")
    for path in ("/", "/roles", "/audit"):
        await auditor.get(path)
        assert f"investigator opened {case} alone" in auditor.text
    approver = await house.person("approver")
    await approver.get(f"/cases/{case}")
    assert f"/cases/{case}/ratify" in approver.text
    assert f"/cases/{case}/approve" not in approver.text
    await approver.post(f"/cases/{case}/ratify")
    await approver.get("/")
    assert "Alarm." not in approver.text


async def test_a_decision_waits_in_the_inbox_of_those_who_may_take_it(house: DeskHouse) -> None:
    cases = house.office.cases
    case = cases.draft(INVESTIGATOR, "legal_process", "r", "", SCOPE).id
    cases.request(INVESTIGATOR, case)

    async def waits(name: str) -> bool:
        browser = await house.person(name)
        section = browser.text.partition('id="waiting"')[2].partition("</section>")[0]
        return case in section

    assert [await waits(one) for one in ("approver", "second-approver")] == [True, True]
    assert [await waits(one) for one in ("investigator", "colleague", "auditor")] == [False] * 3
    cases.approve(APPROVER, case)
    assert [await waits(one) for one in ("approver", "second-approver")] == [False, True]


async def test_the_audit_page_filters_verifies_and_opens_nothing(house: DeskHouse) -> None:
    await _searched(house)
    auditor = await house.person("auditor")
    await auditor.get("/audit")
    assert "every byte is as it was signed" in auditor.text
    assert ADDRESS not in auditor.text
    token = auditor.token()
    await auditor.post("/audit", token=token, case="C-1", act="case.search")
    body = auditor.text.partition('id="entries"')[2]
    assert set(re.findall(r"<td>(case\.\w+|audit\.\w+)</td>", body)) == {"case.search"}
    answer = await auditor.post("/audit", token=token, case=ADDRESS)
    assert answer.status_code == 400
    assert all(ADDRESS not in str(dict(e.facts)) for e in house.office.entries())
    verified, folder = house.work.trail.verify, house.office.places.folder

    def spoiled(person: Person) -> Verdict:
        (folder / "another").write_bytes(b"")  # a hand that comes in between
        return verified(person)

    house.work.trail.verify = spoiled  # type: ignore[method-assign]
    await auditor.post("/audit", token=token)
    assert "No: 1 thing is not as signed." in auditor.text
    assert "another" in auditor.text


async def test_no_title_and_no_path_of_a_page_holds_data(house: DeskHouse) -> None:
    browser, case = await _searched(house)
    paths = ["/", "/new", f"/cases/{case}", f"/cases/{case}/search", f"/cases/{case}/results",
             f"/cases/{case}/scope"]  # fmt: skip
    for path in paths:
        answer = await browser.get(path)
        assert answer.headers["cache-control"] == "no-store"
        title = re.search(r"<title>(.*?)</title>", browser.text)
        assert title is not None
        assert title[1].removesuffix(" · Partywall") in {page.title for page in PAGES}
        assert set(re.findall(r"<form[^>]*method=\"(\w+)\"", browser.text)) <= {"post"}
        assert all("?" not in one for one in re.findall(r'(?:href|action)="([^"]+)"', browser.text))


def test_the_trail_is_read_by_auditors_and_officers_alone_whatever_page_asks(
    house: DeskHouse,
) -> None:
    for read in (lambda: house.work.trail.read(INVESTIGATOR, Wanted()),
                 lambda: house.work.trail.verify(INVESTIGATOR)):  # fmt: skip
        with pytest.raises(RefusedError):
            read()
    assert house.said() == [
        ("investigator", "audit.read", "refused"),
        ("investigator", "audit.verify", "refused"),
    ]


async def test_what_one_case_has_found_is_not_shown_in_another(house: DeskHouse) -> None:
    browser, _ = await _searched(house)
    record = re.findall(r'name="record" value="(\w+)"', browser.text)[0]
    token, other = browser.token(), house.office.opened()
    answer = await browser.http.get(f"/cases/{other}/results")
    assert answer.headers["location"] == f"/cases/{other}/search"
    answer = await browser.post(f"/cases/{other}/reveal", token=token, record=record, field="agent")
    assert answer.status_code == 403
    assert AGENT not in browser.text


async def test_a_long_search_tells_how_far_it_is_and_gives_way_to_the_next(
    house: DeskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.web.pages.finding.PATIENCE", 0.01)
    go_on = threading.Event()
    found = house.desk.search
    told: list[Tell] = []

    def slow(*args: Any, tell: Tell, **rest: Any) -> Found:  # noqa: ANN401 -- passed on as they come
        told.append(tell)
        tell(SCOPE.first + 3 * 3600, Effort())
        assert go_on.wait(30)
        return found(*args, tell=tell, **rest)

    house.desk.search = slow  # type: ignore[assignment]
    case = house.office.opened()
    browser = await house.person("investigator")
    await browser.get(f"/cases/{case}/search")
    for _ in range(2):
        await browser.post(f"/cases/{case}/search", token=browser.token())
        await browser.get(f"/cases/{case}/results")
        assert "Searching. Hour 3 of 49" in browser.text
        assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in browser.text
    before = len(house.office.entries())
    answer = await browser.http.get(f"/cases/{case}/progress")
    assert answer.json()["done"] is False
    assert len(house.office.entries()) == before, "asking how far it is fills the log"
    with pytest.raises(PartywallError):
        told[0](None, Effort())  # the first search has given way
    go_on.set()
    while not (  # noqa: ASYNC110 -- a thread ends it, and the page is how one hears of that
        await browser.http.get(f"/cases/{case}/progress")
    ).json()["done"]:
        await asyncio.sleep(0.01)
    await browser.get(f"/cases/{case}/results")
    assert "3 records on this page" in browser.text
    assert len(house.said("case.read")) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("investigator", {"Your cases"}),
        ("approver", {"Waiting for your decision"}),
        ("auditor", {"There is no case yet."}),
        ("privacy-officer", {"Your cases"}),
        ("both", {"Your cases", "Waiting for your decision"}),
    ],
)
async def test_an_inbox_has_what_its_person_may_ever_find_there(
    house: DeskHouse, name: str, said: set[str]
) -> None:
    browser = await house.person(name)
    await browser.get("/")
    every = {"Your cases", "Waiting for your decision", "There is no case yet."}
    assert {words for words in every if words in browser.text} == said
