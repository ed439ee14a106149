"""A person at the investigators' pages, with a browser and a profile of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

AXE: Final = Path(__file__).parents[2] / "deploy/oidc/node_modules/axe-core/axe.min.js"
_WITHIN: Final = 30


@dataclass
class AtDesk:
    """Signs in, fills forms in, presses buttons, takes pictures."""

    chrome: Chrome
    origin: str
    pictures: Path

    def sign_in(self, name: str) -> None:
        """Sign in by the list."""
        self.chrome.get(f"{self.origin}/sign-in")
        self.press(f"button[value='{name}']")
        self.title_is("Cases")

    def sign_out(self) -> None:
        """Sign out."""
        self.press(".who button")
        self.title_is("Signed out")

    def go(self, path: str) -> None:
        """Load a page."""
        self.chrome.get(self.origin + path)

    def title_is(self, title: str) -> None:
        """Wait for a page of that title."""
        WebDriverWait(self.chrome, _WITHIN).until(
            lambda driver: driver.title == f"{title} · Partywall",
            f"the page is no {title}",
        )

    def find(self, css: str) -> WebElement:
        """Wait for an element and return it."""
        return WebDriverWait(self.chrome, _WITHIN).until(
            lambda driver: driver.find_element(By.CSS_SELECTOR, css), f"there is no {css}"
        )

    def all(self, css: str) -> list[WebElement]:
        """Return what is there now."""
        return self.chrome.find_elements(By.CSS_SELECTOR, css)

    def fill(self, **values: str) -> None:
        """Fill in fields by their names."""
        for name, value in values.items():
            field = self.find(f"main form:not(.filter) [name='{name}']")
            if field.tag_name != "select":
                field.clear()
            field.send_keys(value)

    def press(self, css: str) -> None:
        """Press a button, and wait until its page has gone."""
        button = self.find(css)
        self.chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        self.chrome.execute_script("document.here = true")
        button.click()
        gone = "return document.here !== true && document.readyState === 'complete'"
        WebDriverWait(self.chrome, _WITHIN, ignored_exceptions=[WebDriverException]).until(
            lambda driver: driver.execute_script(gone), "the page stays"
        )
        if self.chrome.title == "One moment · Partywall":
            WebDriverWait(self.chrome, _WITHIN).until(
                lambda driver: driver.title != "One moment · Partywall", "it goes no further"
            )

    def unfold(self, text: str) -> None:
        """Open what is folded away under a summary."""
        for summary in self.all("summary"):
            if summary.text == text:
                self.chrome.execute_script("arguments[0].parentElement.open = true", summary)
                return
        raise AssertionError(f"nothing is folded away under {text}")

    def wait(self, what: str, done: Any) -> None:  # noqa: ANN401 -- whatever tells that it is so
        """Wait until ``done()`` is true."""
        WebDriverWait(self.chrome, _WITHIN).until(lambda _: done(), what)

    @property
    def source(self) -> str:
        """All of the page, as it is now."""
        return str(self.chrome.execute_script("return document.documentElement.outerHTML"))

    def source_but(self, css: str) -> str:
        """Return all of the page but an element of it."""
        return self.source.replace(self.find(css).get_attribute("outerHTML") or "", "")

    @property
    def text(self) -> str:
        """What the page says."""
        return self.find("main").text

    def picture(self, name: str) -> None:
        """Take a picture of the whole page."""
        height = self.chrome.execute_script("return document.documentElement.scrollHeight")
        self.chrome.set_window_size(1280, min(max(int(height) + 140, 800), 1600))
        self.chrome.save_screenshot(str(self.pictures / f"{name}.png"))
        self.chrome.set_window_size(1280, 900)

    def barriers(self) -> list[str]:
        """Return what axe finds on the page that keeps somebody out (WCAG 2.2 A and AA)."""
        self.chrome.execute_script(AXE.read_text(encoding="utf-8"))
        found = self.chrome.execute_async_script(
            "const done = arguments[0];"
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',"
            " 'best-practice']}).then((r) => done(r.violations.map((v) =>"
            " v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 90)).join(' | '))));"
        )
        return [str(one) for one in found]
