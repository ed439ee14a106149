"""The investigators' pages in a real browser: what the policy and the cookies allow still works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from pipeline.cases.people import Directory
from pipeline.clock import stopwatch, system_clock
from pipeline.serving.server import Server, listen
from pipeline.settings import Investigations, Oidc
from pipeline.web.app import make_app
from pipeline.web.choice import choose, own_origin
from tests.support import oidc_provider
from tests.support.kafka_server import free_ports
from tests.support.pages import Book


@contextmanager
def _served(settings: Investigations, book: Book, *, embedded: bool) -> Iterator[str]:
    """Serve the pages on a socket of their own and give their origin."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener = listen(settings.host, settings.port, "investigations")
    origin = own_origin(settings, listener.getsockname()[1])
    sign_in = choose(settings, embedded=embedded, origin=origin, clock=system_clock)
    app = make_app(
        settings,
        sign_in,
        None,
        origin=origin,
        audit=book,
        clock=system_clock,
        stopwatch=stopwatch,
    )
    server = Server(app, listener)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield origin
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _title_is(chrome: Chrome, title: str) -> None:
    WebDriverWait(chrome, 20).until(
        lambda driver: driver.title == f"{title} · Partywall", f"the page is no {title}"
    )


def _complaints(chrome: Chrome) -> list[str]:
    """Return what the browser says it refused or did not get."""
    return [entry["message"] for entry in chrome.get_log("browser")]  # type: ignore[no-untyped-call]


@pytest.fixture(autouse=True)
def _of_this_test_alone(chrome: Chrome) -> None:
    """The browser is shared: what it said of other tests' pages is not of these."""
    _complaints(chrome)


@pytest.fixture
def by_list(tmp_path: Path) -> Iterator[tuple[str, Book]]:
    people = tmp_path / "people.yaml"
    Directory.make_default(people)
    book = Book()
    settings = Investigations(port=0, people=people)
    with _served(settings, book, embedded=True) as origin:
        yield origin, book


def test_a_person_signs_in_looks_around_and_signs_out_by_keyboard(
    chrome: Chrome, by_list: tuple[str, Book]
) -> None:
    origin, book = by_list
    chrome.get(origin)
    _title_is(chrome, "Sign in")
    chrome.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    first = chrome.switch_to.active_element
    assert first.get_attribute("class") == "skip"
    assert first.rect["x"] >= 0
    chrome.find_element(By.CSS_SELECTOR, "button[value=approver]").send_keys(Keys.ENTER)
    _title_is(chrome, "Investigations")
    assert chrome.current_url == f"{origin}/"
    assert chrome.find_element(By.CSS_SELECTOR, ".who strong").text == "approver"
    assert chrome.execute_script("return document.cookie") == ""
    loaded = "return performance.getEntriesByType('resource').map((one) => one.name)"
    assert all(one.startswith(origin) for one in chrome.execute_script(loaded))
    chrome.find_element(By.CSS_SELECTOR, ".who button").send_keys(Keys.ENTER)
    _title_is(chrome, "Signed out")
    chrome.get(origin)
    _title_is(chrome, "Sign in")
    assert [entry[:3] for entry in book.entries] == [
        ("login", "approver", "allowed"),
        ("logout", "approver", "allowed"),
    ]
    assert _complaints(chrome) == []


def test_a_person_comes_back_from_a_provider_of_another_site_and_is_in(
    chrome: Chrome, tmp_path: Path
) -> None:
    """``form-action`` would stop a redirect, and a Strict cookie would not come along with one."""
    oidc_provider.need()
    port = free_ports(1)[0]
    origin = f"http://localhost:{port}"
    client = {
        "client_id": "cases",
        "token_endpoint_auth_method": "none",
        "redirect_uris": [f"{origin}/sign-in/return"],
        "post_logout_redirect_uris": [f"{origin}/signed-out"],
    }
    accounts = {"u-1": {"roles": ["soc"]}}
    book = Book()
    with oidc_provider.provider([client], accounts, tmp_path / "provider.log") as issuer:
        oidc = Oidc(issuer=issuer, client_id="cases", role_map={"soc": "investigator"})
        settings = Investigations(port=port, origin=origin, oidc=oidc)
        with _served(settings, book, embedded=False):
            chrome.get(origin)
            _title_is(chrome, "Sign in")
            chrome.find_element(By.CSS_SELECTOR, "button.main").click()
            WebDriverWait(chrome, 20).until(lambda driver: driver.current_url.startswith(issuer))
            chrome.find_element(By.NAME, "login").send_keys("u-1")
            chrome.find_element(By.NAME, "password").send_keys("any", Keys.ENTER)
            _title_is(chrome, "Investigations")
            assert chrome.current_url == f"{origin}/"
            chrome.find_element(By.CSS_SELECTOR, ".who button").click()
            WebDriverWait(chrome, 20).until(lambda driver: driver.current_url.startswith(issuer))
            chrome.find_element(By.CSS_SELECTOR, "button[value=yes]").click()
            _title_is(chrome, "Signed out")
    assert [entry[:3] for entry in book.entries] == [
        ("login", "u-1", "allowed"),
        ("logout", "u-1", "allowed"),
    ]
