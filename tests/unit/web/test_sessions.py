"""A session ends by itself, has a new name after each sign-in, and is not read out of memory."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.settings import Investigations
from pipeline.web.sessions import Sessions
from tests.support.pages import PEOPLE, House, Moment

SOMEBODY = PEOPLE[0]


def _sessions(moment: Moment) -> Sessions:
    return Sessions(dt.timedelta(minutes=15), dt.timedelta(hours=8), moment)


def test_a_session_left_alone_for_fifteen_minutes_has_ended() -> None:
    moment = Moment()
    sessions = _sessions(moment)
    name = sessions.begin(SOMEBODY)
    moment.move(minutes=14, seconds=59)
    assert sessions.find(name) is not None
    moment.move(minutes=15)
    assert sessions.find(name) is None
    assert len(sessions) == 0


def test_a_session_in_use_ends_after_eight_hours_all_the_same() -> None:
    moment = Moment()
    sessions = _sessions(moment)
    name = sessions.begin(SOMEBODY)
    for _ in range(48):
        assert sessions.find(name) is not None
        moment.move(minutes=10)
    assert sessions.find(name) is None


def test_a_clock_set_back_gives_nobody_more_time() -> None:
    moment = Moment()
    sessions = _sessions(moment)
    name = sessions.begin(SOMEBODY)
    moment.move(minutes=-30)
    assert sessions.find(name) is not None
    moment.move(minutes=45)
    assert sessions.find(name) is None


def test_what_is_kept_in_memory_signs_nobody_in() -> None:
    sessions = _sessions(Moment())
    name = sessions.begin(SOMEBODY, hint="a token")
    kept = repr(vars(sessions))
    assert name not in kept
    assert "a token" not in kept
    assert len(name) == 43


def test_too_many_sessions_cost_the_one_unseen_longest() -> None:
    sessions = _sessions(Moment())
    first, second = sessions.begin(SOMEBODY), sessions.begin(SOMEBODY)
    assert sessions.find(first) is not None
    for _ in range(999):
        sessions.begin(SOMEBODY)
    assert sessions.find(second) is None
    assert sessions.find(first) is not None
    assert len(sessions) == 1000


def test_a_form_token_is_of_one_session_alone() -> None:
    sessions = _sessions(Moment())
    one, other = sessions.begin(SOMEBODY), sessions.begin(SOMEBODY)
    assert sessions.is_token(one, sessions.token(one))
    assert not sessions.is_token(one, sessions.token(other))
    assert not sessions.is_token(one, "")
    assert not sessions.is_token(one, "\udcff€")
    assert sessions.token(one) != _sessions(Moment()).token(one)


async def test_signing_in_makes_a_new_name_and_ends_the_one_before() -> None:
    # The same browser signs in as somebody else without having signed out.
    house = House()
    browser = house.browser()
    await browser.get("/sign-in")
    planted, token = browser.cookie("visitor"), browser.token()
    await browser.post("/sign-in", name="investigator")
    one = browser.cookie("session")
    assert planted is not None
    browser.http.cookies.set("visitor-9340", planted, domain="127.0.0.1", path="/")
    await browser.post("/sign-in", name="auditor", token=token)
    two = browser.cookie("session")
    assert len({planted, one, two}) == 3
    stale = house.browser()
    stale.http.cookies.set("session-9340", one or "", domain="127.0.0.1", path="/")
    await stale.get("/")
    assert stale.title == "Sign in"


async def test_a_name_that_the_browser_brings_is_never_made_a_session() -> None:
    """No fixation: who plants a cookie has planted nothing."""
    house = House()
    browser = house.browser()
    planted = "p" * 43
    browser.http.cookies.set("session-9340", planted, domain="127.0.0.1", path="/")
    await browser.sign_in("investigator")
    thief = house.browser()
    thief.http.cookies.set("session-9340", planted, domain="127.0.0.1", path="/")
    await thief.get("/")
    assert thief.title == "Sign in"


async def test_signing_out_ends_the_session_here_and_not_only_in_the_browser() -> None:
    house = House()
    browser = house.browser()
    await browser.sign_in("investigator")
    name = browser.cookie("session") or ""
    await browser.get("/")
    answer = await browser.post("/sign-out")
    assert answer.status_code == 200
    assert browser.cookie("session") is None
    stale = house.browser()
    stale.http.cookies.set("session-9340", name, domain="127.0.0.1", path="/")
    await stale.get("/")
    assert stale.title == "Sign in"
    assert house.book.entries[-1][:3] == ("logout", "investigator", "allowed")


@pytest.mark.parametrize(
    ("origin", "name", "secure"),
    [
        ("https://cases.example.com", "__Host-session", True),
        ("http://127.0.0.1:9340", "session-9340", False),
    ],
)
async def test_cookies_are_closed_to_scripts_and_to_other_sites(
    origin: str, name: str, secure: bool
) -> None:
    browser = House(origin=origin).browser()
    shown = await browser.get("/sign-in")
    visitor = shown.headers["set-cookie"]
    assert "SameSite=lax" in visitor
    answer = await browser.post("/sign-in", name="investigator")
    session = answer.headers.get_list("set-cookie")[0]
    assert session.startswith(f"{name}=")
    for cookie in (visitor, session):
        assert "HttpOnly" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert ("Secure" in cookie) is secure
    assert "SameSite=strict" in session
    await browser.get("/")
    assert browser.title == "Investigations"


async def test_an_idle_session_is_asked_to_sign_in_and_its_page_leaves_the_screen() -> None:
    house = House(settings=Investigations(idle_minutes=5))
    browser = house.browser()
    await browser.sign_in("investigator")
    await browser.get("/")
    assert 'content="305; url=/sign-in"' in browser.text
    house.moment.move(minutes=5)
    await browser.get("/")
    assert browser.title == "Sign in"


class _Held:
    """Something kept for a session."""

    def __init__(self) -> None:
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1


def _holding(sessions: Sessions) -> tuple[str, _Held]:
    name, held = sessions.begin(PEOPLE[0]), _Held()
    session = sessions.find(name)
    assert session is not None
    session.kept["found"] = held
    return name, held


def test_what_is_kept_for_a_session_is_let_go_however_it_ends() -> None:
    moment = Moment()
    sessions = Sessions(dt.timedelta(minutes=5), dt.timedelta(hours=1), moment)
    left, one = _holding(sessions)
    sessions.end(left)
    found_late, two = _holding(sessions)
    moment.move(minutes=5)
    assert sessions.find(found_late) is None
    _, three = _holding(sessions)
    moment.move(minutes=5)
    sessions.sweep()
    _, four = _holding(sessions)
    sessions.sweep()
    assert four.stopped == 0, "a session whose time is not over was swept away"
    _, five = _holding(sessions)
    for _ in range(999):
        sessions.begin(PEOPLE[0])
    assert (one.stopped, two.stopped, three.stopped, four.stopped) == (1, 1, 1, 1)
    sessions.end_all()
    assert five.stopped == 1
    assert len(sessions) == 0
