"""The demonstration's widget sends every event there is, each as its schema wants it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as condition
from selenium.webdriver.support.ui import WebDriverWait

from pipeline import declarations
from tests.support.shop import Shop, leave

SCHEMAS = declarations.folder() / "widget/v1"
NAMES = {path.stem for path in SCHEMAS.glob("*.json")} - {"common", "envelope", "index"}
DESKTOP, PHONE = (1280, 800), (390, 844)


def registry() -> Registry[Any]:
    found = (json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json"))
    return Registry().with_resources((s["$id"], Resource.from_contents(s)) for s in found)


def click(chrome: Chrome, name: str) -> None:
    WebDriverWait(chrome, 20).until(condition.element_to_be_clickable((By.ID, name))).click()


def write(chrome: Chrome, name: str, text: str) -> None:
    field = WebDriverWait(chrome, 20).until(condition.element_to_be_clickable((By.ID, name)))
    field.send_keys(text)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_event_is_sent_and_valid(
    size: tuple[int, int], chrome: Chrome, open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop()
    device = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    severe(chrome)  # what other pages left there
    try:
        chrome.get(f"{shop.collecting.url}/demo")
        click(chrome, "fail")
        # Followed, it would lead out of the test.
        chrome.execute_script("link.addEventListener('click', (event) => event.preventDefault())")
        click(chrome, "link")
        click(chrome, "bubble")
        click(chrome, "note")
        write(chrome, "offline", "Call me: Quilvantor")
        click(chrome, "send-note")
        click(chrome, "close")
        click(chrome, "bubble")
        click(chrome, "start")
        write(chrome, "text", "My name is Quilvantor\n")
        click(chrome, "end")
        click(chrome, "mail")
        click(chrome, "rate-5")
        click(chrome, "close")
        wide = chrome.execute_script("return document.documentElement.scrollWidth")
        assert wide <= size[0], "it scrolls sideways"
        assert not severe(chrome)
        leave(chrome)
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    shop.until("every event", lambda: len(events(shop)) == 16)
    assert {event["event"] for event in events(shop)} == NAMES
    schemas = registry()
    for event in events(shop):
        schema = schemas.contents(
            f"https://partywall.example/schemas/widget/v1/{event['event']}.json"
        )
        jsonschema.validate(event, schema, registry=schemas)
    assert "Quilvantor" not in json.dumps(events(shop))
    assert {e.get("target") for e in events(shop)} == {None, "https://www.example.com/"}
    assert {e["screen"] for e in events(shop)} == {"small" if size == PHONE else "large"}


def severe(chrome: Chrome) -> list[Any]:
    """What went wrong in the browser since it was asked for last."""
    logged: list[Any] = chrome.get_log("browser")  # type: ignore[no-untyped-call]
    return [one for one in logged if one["level"] == "SEVERE"]


def events(shop: Shop) -> list[dict[str, Any]]:
    page = f"{shop.collecting.url}/demo"
    return [line["event"] for line in shop.lines() if line["event"]["page"] == page]


def test_the_page_says_when_nothing_is_sent(chrome: Chrome, open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    chrome.get(f"{shop.collecting.url}/demo")
    click(chrome, "out")
    assert "opted out" in chrome.find_element(By.ID, "state").text
    click(chrome, "bubble")
    click(chrome, "close")
    click(chrome, "out")
    assert chrome.find_element(By.ID, "state").text == "Events are sent."
    click(chrome, "fail")
    leave(chrome)
    shop.until("the last one", lambda: len(events(shop)) >= 1)
    assert [event["event"] for event in events(shop)] == ["error"]
