"""Pages of a shop that embed the widget's script, and what the broker got of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from selenium.webdriver import Chrome

from tests.support.collector_process import Collecting

_WITHIN: Final = 60.0


@dataclass
class Shop:
    """A folder of pages under an origin, beside a collector."""

    folder: Path
    origin: str
    collecting: Collecting

    def page(self, name: str = "index.html", attributes: str = "") -> str:
        """Write a page that loads the script from the collector; return its address."""
        script = f'src="{self.collecting.url}/partywall.js" data-site="shop" data-version="2.1.0"'
        text = f"<!doctype html><title>Shop</title><script {script} {attributes}></script>"
        (self.folder / name).write_text(text, encoding="utf-8")
        return f"{self.origin}/{name}"

    def lines(self) -> list[dict[str, Any]]:
        """Return what the broker got since the collector was first started, in order of time."""
        new = self.collecting.lines()
        return sorted(new, key=lambda line: (line["received"], line["event"].get("time", 0)))

    def events(self) -> list[str]:
        """Return the names of those events whose page is ours."""
        return [event["event"] for event in self.told()]

    def told(self) -> list[dict[str, Any]]:
        """Return those events whose page is ours: others' shops have the same broker."""
        events = [line["event"] for line in self.lines()]
        ours = (self.origin, self.collecting.url)
        return [event for event in events if event["page"].startswith(ours)]

    def until(self, what: str, done: Callable[[], bool]) -> None:
        """Wait for a state of the broker or the collector."""
        deadline = time.monotonic() + _WITHIN
        while not done():
            assert time.monotonic() < deadline, f"{what}: {self.events()}"
            time.sleep(0.05)


def call(chrome: Chrome, name: str, fields: dict[str, Any] | None = None, times: int = 1) -> None:
    """Call the script's function in the page."""
    script = "for (let n = 0; n < arguments[2]; n++) partywall(arguments[0], arguments[1]);"
    chrome.execute_script(script, name, fields or {}, times)


def leave(chrome: Chrome) -> None:
    """Go to another page: what is still in the queue is sent on the way."""
    chrome.get("about:blank")
