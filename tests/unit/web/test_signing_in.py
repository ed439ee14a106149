"""A sign-in, its refusal and a sign-out are in the audit log first, or they do not happen."""

from __future__ import annotations

import pytest

from pipeline.errors import UnavailableError
from tests.support.pages import House

BREAKS = [UnavailableError("the disk is full"), OSError(28, "no space"), RuntimeError("a bug")]
SENTENCE = "The audit log cannot be written to, so nothing was done"


async def test_signing_in_is_on_record_with_roles_and_shown_on_the_start_page() -> None:
    house = House()
    browser = house.browser()
    answer = await browser.sign_in("investigator")
    assert answer.status_code == 200
    assert browser.onward() == "/"
    await browser.get("/")
    assert "<strong>investigator</strong>" in browser.text
    assert "Cannot approve." in browser.text
    facts = {"way": "people", "roles": ["investigator"], "team": "abuse"}
    assert house.book.entries == [("login", "investigator", "allowed", facts)]


@pytest.mark.parametrize("broken", BREAKS, ids=lambda error: type(error).__name__)
async def test_nobody_is_signed_in_where_the_audit_log_cannot_say_so(broken: Exception) -> None:
    house = House()
    house.book.broken = broken
    browser = house.browser()
    answer = await browser.sign_in("investigator")
    assert answer.status_code == 503
    assert SENTENCE in browser.text
    assert str(broken) not in browser.text
    assert browser.cookie("session") is None
    house.book.broken = None
    await browser.get("/")
    assert browser.title == "Sign in"


@pytest.mark.parametrize("broken", BREAKS, ids=lambda error: type(error).__name__)
async def test_nobody_is_signed_out_where_the_audit_log_cannot_say_so(broken: Exception) -> None:
    house = House()
    browser = house.browser()
    await browser.sign_in("investigator")
    await browser.get("/")
    house.book.broken = broken
    assert (await browser.post("/sign-out")).status_code == 503
    assert SENTENCE in browser.text
    await browser.get("/")
    assert browser.title == "Investigations"


async def test_a_refused_sign_in_is_on_record_and_its_page_does_not_say_why() -> None:
    house = House()
    browser = house.browser()
    answer = await browser.sign_in("nobody")
    assert answer.status_code == 403
    assert house.book.entries == [("login", "unknown", "refused", {"reason": "people"})]
    assert "nobody" not in browser.text
    assert browser.cookie("session") is None
    house.book.broken = OSError(28, "no space")
    assert (await browser.sign_in("nobody")).status_code == 503


async def test_a_return_that_nobody_was_sent_on_is_refused() -> None:
    house = House()
    browser = house.browser()
    assert (await browser.get("/sign-in/return?code=a&state=b")).status_code == 403
    assert house.book.entries == [("login", "unknown", "refused", {"reason": "state"})]


async def test_the_list_says_that_it_is_for_trials_and_who_is_who() -> None:
    browser = House().browser()
    await browser.get("/sign-in")
    assert "For trials." in browser.text
    assert browser.text.count('<button name="name"') == 3


async def test_a_name_is_escaped_wherever_it_stands() -> None:
    """No person of the directory is called so; a template that trusts one would show it here."""
    house = House()
    browser = house.browser()
    await browser.sign_in('"><script>alert(1)</script>')
    assert "<script>alert" not in browser.text


async def test_whoever_is_signed_in_is_not_asked_again() -> None:
    browser = House().browser()
    await browser.sign_in("auditor")
    await browser.get("/sign-in")
    assert browser.title == "Investigations"
    await browser.get("/signed-out")
    assert browser.title == "Investigations"
    await browser.post("/sign-out", {"origin": browser.origin}, token=browser.token())
    assert browser.onward() == "/signed-out"
    await browser.get("/signed-out")
    assert browser.title == "Signed out"
