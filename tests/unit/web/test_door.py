"""Nothing is done for a request that no page of ours sent, for a wrong role, or too often."""

from __future__ import annotations

import re

import pytest
from prometheus_client import REGISTRY
from starlette.responses import Response

from pipeline.cases.people import Role
from pipeline.settings import Investigations
from pipeline.web.visits import Page, Visit
from tests.support.pages import ORIGIN, Browser, House

INVESTIGATORS = frozenset({Role.INVESTIGATOR})


class Notes:
    """Pages that write down what reached them."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.pages = (
            Page("/notes", "Notes", self.show, roles=INVESTIGATORS, menu="Notes"),
            Page("/notes", "Notes", self.write, method="POST", roles=INVESTIGATORS),
            Page("/search", "Search", self.write, method="POST", rate="search"),
            Page("/notes/{note}", "A note", self.one),
        )

    async def show(self, visit: Visit[str]) -> Response:
        assert visit.person.name not in repr(visit)
        return visit.show("home.html", duties=[])

    async def write(self, visit: Visit[str]) -> Response:
        self.done.append(f"{visit.person.name} {visit.desk}: {visit.form.one('text')}")
        return visit.go("/notes")

    async def one(self, visit: Visit[str]) -> Response:
        return Response(visit.path["note"])


async def _inside(notes: Notes, name: str = "investigator") -> Browser:
    browser = House(notes.pages).browser()
    await browser.sign_in(name)
    await browser.get("/notes")
    return browser


def _refused(reason: str) -> float:
    return REGISTRY.get_sample_value("partywall_web_refused_total", {"reason": reason}) or 0.0


async def test_a_form_of_ours_reaches_its_handler_with_person_desk_and_fields() -> None:
    notes = Notes()
    browser = await _inside(notes)
    answer = await browser.post("/notes", text="  seen ü ")
    assert answer.status_code == 303
    assert notes.done == ["investigator the desk: seen ü"]
    assert (await browser.http.get("/notes/17")).text == "17"


SAME = {"origin": "null", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": ORIGIN, "sec-fetch-site": "none"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
        {"origin": "http://127.0.0.1:93401"},
    ],
)
@pytest.mark.parametrize("path", ["/notes", "/search", "/sign-in", "/sign-out"])
async def test_a_post_from_elsewhere_does_nothing_though_its_token_is_good(
    path: str, headers: dict[str, str]
) -> None:
    notes = Notes()
    browser = await _inside(notes)
    before = _refused("origin")
    answer = await browser.post(path, headers, text="x", name="auditor")
    assert answer.status_code == 403
    assert notes.done == []
    assert _refused("origin") == before + 1
    await browser.get("/")
    assert "<strong>investigator</strong>" in browser.text


@pytest.mark.parametrize("headers", [SAME, {"origin": ORIGIN}, {**SAME, "origin": ORIGIN}])
async def test_a_post_of_ours_is_known_by_either_header(headers: dict[str, str]) -> None:
    notes = Notes()
    assert (await (await _inside(notes)).post("/notes", headers)).status_code == 303


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
@pytest.mark.parametrize("path", ["/notes", "/search", "/sign-out"])
async def test_a_post_without_the_sessions_token_does_nothing(path: str, token: str) -> None:
    notes = Notes()
    browser = await _inside(notes)
    before = _refused("token")
    answer = await browser.post(path, token=token)
    assert answer.status_code == 403
    assert notes.done == []
    assert _refused("token") == before + 1
    await browser.get("/")
    assert browser.title == "Investigations"


async def test_another_persons_token_does_nothing() -> None:
    notes = Notes()
    house = House(notes.pages)
    one, other = house.browser(), house.browser()
    await one.sign_in("investigator")
    await other.sign_in("auditor")
    await other.get("/")
    assert (await one.post("/notes", token=other.token())).status_code == 403
    assert notes.done == []


async def test_the_sign_in_form_needs_its_token_too() -> None:
    house = House()
    browser = house.browser()
    await browser.get("/sign-in")
    token = browser.token()
    answer = await browser.post("/sign-in", name="investigator", token="0" * 64)
    assert answer.status_code == 403
    stranger = house.browser()
    answer = await stranger.post("/sign-in", name="investigator", token=token)
    assert answer.status_code == 403
    assert house.book.entries == []


async def test_a_form_sent_after_the_session_has_ended_does_nothing() -> None:
    notes = Notes()
    house = House(notes.pages)
    browser = house.browser()
    await browser.sign_in("investigator")
    await browser.get("/notes")
    house.moment.move(minutes=15)
    answer = await browser.post("/notes")
    assert answer.status_code == 403
    assert browser.title == "Your session has ended"
    assert notes.done == []


@pytest.mark.parametrize("name", ["approver", "auditor"])
async def test_a_page_of_another_role_is_refused_and_stands_in_no_menu(name: str) -> None:
    notes = Notes()
    browser = House(notes.pages).browser()
    await browser.sign_in(name)
    await browser.get("/")
    assert "/notes" not in browser.text
    token = browser.token()
    assert (await browser.get("/notes")).status_code == 403
    assert (await browser.post("/notes", token=token)).status_code == 403
    assert notes.done == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"form-token": "x"}', "application/json", 400),
        (b"text=x", "text/plain", 400),
        (b"text=%ff", "application/x-www-form-urlencoded", 400),
        ("text=ü".encode(), "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 501, "application/x-www-form-urlencoded", 400),
        (b"text=" + b"x" * 262_144, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_what_is_no_small_form_is_refused(content: bytes, kind: str, status: int) -> None:
    notes = Notes()
    browser = await _inside(notes)
    answer = await browser.http.post(
        "/notes", content=content, headers={**SAME, "content-type": kind}
    )
    assert answer.status_code == status
    assert notes.done == []


async def test_searches_are_limited_by_session_and_come_back_with_time() -> None:
    notes = Notes()
    house = House(notes.pages, settings=Investigations(searches_per_minute=3))
    browser, colleague = house.browser(), house.browser("192.0.2.2")
    for one in (browser, colleague):
        await one.sign_in("investigator")
        await one.get("/")
    token = browser.token()
    codes = [(await browser.post("/search", token=token)).status_code for _ in range(4)]
    assert codes == [303, 303, 303, 429]
    assert browser.shown is not None
    assert browser.shown.headers["retry-after"] == "20"
    assert (await colleague.post("/search")).status_code == 303
    house.moment.move(seconds=20)
    assert (await browser.post("/search", token=token)).status_code == 303
    assert len(notes.done) == 5


async def test_searches_of_one_client_are_limited_over_its_sessions() -> None:
    notes = Notes()
    house = House(notes.pages, settings=Investigations(searches_per_minute=2))
    codes = []
    for _ in range(3):
        browser = house.browser()
        await browser.sign_in("investigator")
        await browser.get("/")
        codes.append((await browser.post("/search")).status_code)
    assert codes == [303, 303, 429]


async def test_sign_in_attempts_are_limited_by_client_behind_a_trusted_proxy_too() -> None:
    settings = Investigations(sign_ins_per_minute=2, trusted_proxies=["198.51.100.0/24"])
    house = House(settings=settings)

    async def attempt(peer: str, forwarded: str | None) -> int:
        browser = house.browser(peer)
        await browser.get("/sign-in")
        if forwarded is not None:
            browser.http.headers["x-forwarded-for"] = forwarded
        return (await browser.post("/sign-in", name="nobody")).status_code

    assert [await attempt("192.0.2.1", None) for _ in range(3)] == [403, 403, 429]
    assert await attempt("192.0.2.1", "192.0.2.9") == 429  # it is no proxy of ours
    assert await attempt("198.51.100.1", "192.0.2.7") == 403
    assert await attempt("198.51.100.1", "192.0.2.1") == 429
    refused = [entry for entry in house.book.entries if entry[2] == "refused"]
    assert len(refused) == 3


async def test_no_form_sends_its_fields_in_a_url() -> None:
    browser = House(Notes().pages).browser()
    for _ in range(2):
        for path in ("/", "/sign-in", "/notes", "/nowhere", "/signed-out"):
            await browser.get(path)
            assert set(re.findall(r"<form[^>]*method=\"(\w+)\"", browser.text)) <= {"post"}
        await browser.sign_in("investigator")
