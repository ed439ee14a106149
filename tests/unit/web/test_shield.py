"""Every answer tells the browser what the page may do; errors hold no content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import structlog
from starlette.responses import Response

import pipeline.web
from pipeline.errors import InputError, UnavailableError
from pipeline.serving.shield import CONTENT_SECURITY_POLICY
from pipeline.settings import Investigations
from pipeline.web.app import make_app
from pipeline.web.failures import TROUBLES
from pipeline.web.visits import Page, Visit
from tests.support.pages import ORIGIN, Book, House, Moment

SECRET = "203.0.113.77 asked for /private"


async def _breaks(visit: Visit[str]) -> Response:
    raise RuntimeError(SECRET + visit.desk)


async def _waits(_: Visit[str]) -> Response:
    raise UnavailableError("the key service does not answer")


async def _mistake(_: Visit[str]) -> Response:
    raise InputError("the span ends before it begins")


PAGES = (
    Page("/breaks", "Breaks", _breaks),
    Page("/waits", "Waits", _waits),
    Page("/waits", "Waits", _waits, method="POST"),
    Page("/mistake", "Mistake", _mistake),
)


def _has_all_headers(headers: dict[str, str]) -> None:
    policy = headers["content-security-policy"]
    assert policy == CONTENT_SECURITY_POLICY
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 303),
        ("/sign-in", 200),
        ("/sign-in/return", 403),
        ("/signed-out", 200),
        ("/breaks", 303),
        ("/no/such/page", 404),
        ("/sign-out", 405),
        ("/static/0/pages.css", 404),
    ],
)
async def test_every_answer_to_a_stranger_carries_the_policy_and_is_kept_in_no_cache(
    path: str, status: int
) -> None:
    answer = await House(PAGES).browser().http.get(path)
    assert answer.status_code == status
    _has_all_headers(dict(answer.headers))
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/breaks", 500), ("/waits", 503), ("/mistake", 400)]
)
async def test_every_answer_to_a_person_does_too(path: str, status: int) -> None:
    browser = House(PAGES).browser()
    await browser.sign_in("investigator")
    answer = await browser.get(path)
    assert answer.status_code == status
    _has_all_headers(dict(answer.headers))
    assert answer.headers["cache-control"] == "no-store"


async def test_https_is_asked_for_from_then_on_where_it_is_spoken() -> None:
    house = House(origin="https://cases.example.com")
    answer = await house.browser().http.get("/sign-in")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in (await House().browser().http.get("/")).headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:9341", "127.0.0.1", ""])
async def test_a_name_rebound_to_this_address_is_served_nothing(host: str) -> None:
    answer = await House().browser().http.get("/sign-in", headers={"host": host})
    assert answer.status_code == 400
    assert "form-token" not in answer.text
    _has_all_headers(dict(answer.headers))


async def test_an_error_shows_neither_its_text_nor_its_kind_and_is_logged_by_place_alone() -> None:
    browser = House(PAGES).browser()
    await browser.sign_in("investigator")
    with structlog.testing.capture_logs() as logged:
        answer = await browser.get("/breaks")
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "RuntimeError" not in answer.text
    assert [entry["event"] for entry in logged] == ["a page failed"]
    assert isinstance(logged[0]["error"], RuntimeError)  # which pipeline.logs reduces


async def test_a_service_that_is_away_is_logged_and_no_act_is_said_to_be_undone() -> None:
    """An approval is written down before the key service hears of it."""
    browser = House(PAGES).browser()
    await browser.sign_in("investigator")
    with structlog.testing.capture_logs() as logged:
        looked = await browser.get("/waits")
        await browser.get("/")
        sent = await browser.post("/waits")
    assert "may have been done" not in looked.text
    assert "may have been done" in sent.text
    assert (looked.status_code, sent.status_code) == (503, 503)
    assert [entry["reason"] for entry in logged] == ["the key service does not answer"] * 2


async def test_a_mistake_of_the_persons_is_told_in_our_words() -> None:
    browser = House(PAGES).browser()
    await browser.sign_in("investigator")
    await browser.get("/mistake")
    assert "The span ends before it begins" in browser.text


async def test_styles_and_scripts_are_ours_and_have_their_digest_in_their_name() -> None:
    browser = House().browser()
    await browser.get("/sign-in")
    links = re.findall(r'(?:href|src)="([^"]+)"', browser.text)
    assert all(link.startswith(("/", "#")) for link in links)
    files = [link for link in links if link.startswith("/static/")]
    assert {Path(file).suffix for file in files} == {".css", ".js", ".svg"}
    for file in files:
        answer = await browser.http.get(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        _has_all_headers(dict(answer.headers))


def test_no_template_has_a_script_or_a_style_of_its_own_or_a_title_with_data() -> None:
    """The policy would stop them; a title with data would stay in a browser's history."""
    folder = Path(pipeline.web.__file__).parent / "templates"
    for file in folder.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)|javascript:", text), file
        assert "|safe" not in text.replace(" ", ""), file
        assert file.name == "base.html" or "<title" not in text, file
        forms = re.findall(r"<form[^>]*>.*?</form>", text, re.DOTALL)
        for form in forms:
            assert 'method="post"' in form, file
            assert "form_token()" in form, file


def test_each_trouble_says_what_to_do() -> None:
    for trouble in TROUBLES.values():
        assert trouble.sentence.endswith(".")
        assert 400 <= trouble.status < 600


async def test_other_kinds_of_connection_find_nobody() -> None:
    app = make_app(
        Investigations(),
        House().sign_in,
        "desk",
        origin=ORIGIN,
        audit=Book(),
        clock=Moment(),
        stopwatch=Moment().stopwatch,
    )

    async def never() -> dict[str, object]:
        raise AssertionError

    async def nothing(_: object) -> None:
        raise AssertionError

    await app({"type": "websocket"}, never, nothing)
