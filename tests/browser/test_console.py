"""The console in a real browser, on a desk and on a phone, in light and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from pipeline.zones import Zones
from tests.support import oidc_provider
from tests.support.console_data import HOSTILE, fill
from tests.support.console_pages import WORD, asking, served
from tests.support.desk_browser import AXE

SIZES: Final = {"desk": (1280, 900), "phone": (390, 844)}
MOST_BYTES: Final = 150 * 1024
_WITHIN: Final = 30


@dataclass
class Analyst:
    """Somebody at the console, in a browser whose window has a size."""

    chrome: Chrome
    origin: str
    pictures: Path

    def size(self, name: str, theme: str = "light") -> None:
        """Be on a desk or on a phone, in light or in the dark."""
        wide, high = SIZES[name]
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=wide, height=high, deviceScaleFactor=1, mobile=name == "phone",
        )  # fmt: skip
        wish = {"name": "prefers-color-scheme", "value": theme}
        self.tell("Emulation.setEmulatedMedia", features=[wish])

    def tell(self, command: str, **arguments: Any) -> None:  # noqa: ANN401 -- whatever it takes
        """Tell the browser something of its own protocol."""
        self.chrome.execute_cdp_cmd(command, arguments)

    def go(self, path: str) -> None:
        """Load a page."""
        self.chrome.get(self.origin + path)

    def js(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 -- whatever it returns
        """Run a script in the page and return what it returns."""
        return self.chrome.execute_script(script, *arguments)

    def wait(self, what: str, script: str) -> None:
        """Wait until a script returns something true."""
        WebDriverWait(self.chrome, _WITHIN).until(lambda _: self.js(script), what)

    def find(self, css: str) -> WebElement:
        """Wait for an element and return it."""
        return WebDriverWait(self.chrome, _WITHIN).until(
            lambda driver: driver.find_element(By.CSS_SELECTOR, css), f"there is no {css}"
        )

    def read_on(self) -> None:
        """Scroll to the end, until every card has come, and back."""
        script = (
            "document.querySelector('[data-waits]')?.scrollIntoView();"
            "return !document.querySelector('[data-waits]')"
        )
        self.wait("a card does not come", script)
        self.js("window.scrollTo(0, 0)")

    def complaints(self) -> list[str]:
        """Return what the browser refused or did not get."""
        return [one["message"] for one in self.chrome.get_log("browser")]  # type: ignore[no-untyped-call]

    def strangers(self) -> list[str]:
        """Return what the page loaded from others."""
        names = "return performance.getEntriesByType('resource').map((one) => one.name)"
        return [one for one in self.js(names) if not one.startswith(self.origin)]

    def barriers(self) -> list[str]:
        """Return what axe finds that keeps somebody out."""
        self.js(AXE.read_text(encoding="utf-8"))
        found = self.chrome.execute_async_script(
            "const done = arguments[0];"
            "axe.run().then((r) => done(r.violations.map((v) =>"
            " v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '))));"
        )
        return [str(one) for one in found]

    def picture(self, name: str) -> None:
        """Take a picture of the whole page."""
        high = self.js("return document.documentElement.scrollHeight")
        wide = self.js("return window.innerWidth")
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=wide, height=high, deviceScaleFactor=1, mobile=wide < 500,
        )  # fmt: skip
        self.chrome.save_screenshot(str(self.pictures / f"{name}.png"))


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The console's origin."""
    folder = tmp_path_factory.mktemp("numbers") / "clickhouse"
    fill(folder)
    zones = Zones("UTC", {"blog": "Asia/Kathmandu"})
    with asking(folder) as run, served(run, zones=zones) as origin:
        yield origin


@pytest.fixture
def analyst(chrome: Chrome, console: str, tmp_path: Path) -> Iterator[Analyst]:
    """Somebody who has come by the link of this machine."""
    oidc_provider.need()  # brings axe
    made = Analyst(chrome, console, tmp_path)
    made.go(f"/enter?token={WORD}")
    made.wait("nobody is let in", "return location.pathname.startsWith('/sites/')")
    made.js("localStorage.clear()")
    made.complaints()
    yield made
    made.tell("Emulation.clearDeviceMetricsOverride")
    made.tell("Emulation.setEmulatedMedia", features=[])
    chrome.delete_all_cookies()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "path",
    ["/sites/shop", "/sites/docs", "/sites/shop?period=today", "/sites/shop?country=DE&period=7d"],
    ids=["usual", "small", "today", "filtered"],
)
def test_nobody_is_kept_out_and_nothing_complains(
    analyst: Analyst, path: str, size: str, theme: str
) -> None:
    analyst.size(size, theme)
    analyst.go(path)
    analyst.read_on()
    assert analyst.barriers() == []
    assert analyst.strangers() == []
    assert analyst.complaints() == []
    wide = analyst.js("return document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, "the page does not fit its window"
    analyst.picture(f"{size}-{theme}")


@pytest.mark.parametrize("path", ["/sign-in", "/v1/docs", "/nowhere", "/shared/none"])
def test_nobody_is_kept_out_of_the_other_pages(analyst: Analyst, path: str) -> None:
    analyst.chrome.delete_all_cookies()
    for size in SIZES:
        analyst.size(size)
        analyst.go(path)
        assert analyst.barriers() == []
        wide = analyst.js("return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0


def test_the_first_view_is_small(analyst: Analyst) -> None:
    """What comes over the wire for a browser that has nothing yet, the cards in view included."""
    analyst.tell("Network.clearBrowserCache")
    analyst.size("desk")
    analyst.go("/sites/shop")
    analyst.wait("the chart is not drawn", "return document.querySelector('.chart canvas')")
    analyst.read_on()
    sizes = analyst.js(
        "return [...performance.getEntriesByType('navigation'),"
        " ...performance.getEntriesByType('resource')]"
        ".map((one) => [one.name, Math.max(one.transferSize, one.encodedBodySize)])"
    )
    assert len(sizes) > 10
    assert all(size > 0 for _, size in sizes), sizes
    assert sum(size for _, size in sizes) < MOST_BYTES, sizes


def test_a_tab_comes_alone_and_stays_in_every_address(analyst: Analyst) -> None:
    analyst.size("desk")
    analyst.go("/sites/shop")
    analyst.js("document.here = true")
    analyst.find("#card-pages .tabs a:nth-child(2)").click()
    analyst.wait("no entry pages", "return document.querySelector('#card-pages').textContent"
                 ".includes('Visits began at')")  # fmt: skip
    assert analyst.js("return document.here") is True
    assert urlsplit(analyst.chrome.current_url).query == "pages=entry"
    assert analyst.js("return document.activeElement.textContent.trim()") == "Entry pages"
    analyst.find("#card-sources tbody a").click()
    analyst.wait("not filtered", "return document.querySelector('.chips')")
    query = urlsplit(analyst.chrome.current_url).query
    assert "pages=entry" in query
    assert "referrer_kind=direct" in query
    assert analyst.complaints() == []


def test_a_value_filters_and_the_filter_goes_again(analyst: Analyst) -> None:
    analyst.size("desk")
    analyst.go("/sites/shop?period=7d")
    analyst.find("#card-pages tbody a").click()
    analyst.wait("not filtered", "return document.querySelector('.chips')")
    assert analyst.find(".chips strong").text == "/"
    analyst.find(".gone-with").click()
    analyst.wait("still filtered", "return !document.querySelector('.chips')")
    assert urlsplit(analyst.chrome.current_url).query == "period=7d"


@pytest.mark.parametrize("browsers", ["Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize(("site", "zone"), [("blog", "Asia/Kathmandu"), ("shop", "UTC")])
def test_the_line_is_by_the_sites_clock_wherever_the_browser_is(
    analyst: Analyst, site: str, zone: str, browsers: str
) -> None:
    """Its first hour is the first of the site's day, in the table as under the pointer."""
    analyst.tell("Emulation.setTimezoneOverride", timezoneId=browsers)
    try:
        analyst.go(f"/sites/{site}?from=2026-11-28&to=2026-11-28")
        analyst.wait("the chart is not drawn", "return document.querySelector('.chart canvas')")
        analyst.js(
            "const over = document.querySelector('.u-over'), at = over.getBoundingClientRect();"
            "over.dispatchEvent(new MouseEvent('mousemove', {clientX: at.left + 1,"
            " clientY: at.top + 9, bubbles: true}))"
        )
        analyst.wait("nothing is told", "return document.querySelector('.chart .tip .now')")
        told = analyst.js("return document.querySelector('.chart .tip .now').textContent")
        assert told.startswith(f"Sat 28 Nov, 00:00 {zone}"), told
        first = analyst.js("return document.querySelector('.headline tbody th').textContent")
        assert first == "Sat 28 Nov 00:00"
    finally:
        analyst.tell("Emulation.setTimezoneOverride", timezoneId="")


def test_the_map_leads_to_a_country(analyst: Analyst) -> None:
    analyst.size("desk")
    analyst.go("/sites/shop")
    analyst.read_on()
    brazil = analyst.find(".map [data-told^='Brazil']")
    analyst.js("arguments[0].scrollIntoView({block: 'center'})", brazil)
    ActionChains(analyst.chrome).move_to_element(brazil).perform()
    assert analyst.find(".map-tip").text.startswith("Brazil: ")
    ActionChains(analyst.chrome).click().perform()
    analyst.wait("not filtered", "return location.search.includes('country=BR')")


def test_why_a_number_is_not_there_is_told_by_keyboard(analyst: Analyst) -> None:
    analyst.size("phone")
    analyst.go("/sites/shop?period=today")
    why = analyst.find(".figure .why")
    why.send_keys(Keys.ENTER)
    told = analyst.find("#why-not_yet_closed")
    assert "The number is there then." in told.text
    assert analyst.barriers() == []
    why.send_keys(Keys.ESCAPE)
    assert not told.is_displayed()


def test_the_switch_between_light_and_dark_is_kept(analyst: Analyst) -> None:
    analyst.size("desk")
    analyst.go("/sites/shop")
    paper = "return getComputedStyle(document.documentElement).backgroundColor"
    light = analyst.js(paper)
    analyst.find("[data-theme-switch]").click()
    dark = analyst.js(paper)
    assert dark != light
    assert analyst.barriers() == []
    analyst.go("/sites/blog")
    assert analyst.js(paper) == dark
    analyst.find("[data-theme-switch]").click()
    assert analyst.js(paper) == light


def test_a_hostile_page_name_does_nothing(analyst: Analyst) -> None:
    analyst.size("desk")
    analyst.js("window.alert = () => { document.title = 'hurt' }")
    analyst.go("/sites/shop?from=2026-11-01&to=2026-11-28")
    analyst.read_on()
    analyst.go(
        "/sites/shop?" + analyst.js("return 'page=' + encodeURIComponent(arguments[0])", HOSTILE)
    )
    analyst.read_on()
    assert analyst.find(".chips strong").text == HOSTILE
    assert analyst.js("return document.querySelectorAll('main script, main img').length") == 0
    assert analyst.chrome.title == "shop · Partywall"
    assert analyst.complaints() == []


def test_days_of_ones_own_keep_the_rest_of_the_page(analyst: Analyst) -> None:
    analyst.size("phone")
    analyst.go("/sites/shop?metric=visits&pages=exit")
    analyst.find(".controls summary").click()
    for name, day in (("from", "2026-11-02"), ("to", "2026-11-05")):
        analyst.js(f"document.querySelector('[name={name}]').value = arguments[0]", day)
    analyst.find(".dates button").click()
    analyst.wait("no such days", "return location.search.includes('from=2026-11-02')")
    query = urlsplit(analyst.chrome.current_url).query
    assert "metric=visits" in query
    assert "pages=exit" in query
    assert analyst.find(".figure.chosen h2").text == "Visits"


def test_somebody_shares_a_page_and_somebody_else_reads_it(analyst: Analyst) -> None:
    analyst.size("desk")
    analyst.go("/sites/shop?period=7d")
    analyst.find(".controls .right summary").click()
    assert analyst.barriers() == []
    analyst.find(".share button").click()
    link = analyst.find("textarea").get_attribute("value")
    assert link is not None
    assert analyst.barriers() == []
    analyst.chrome.delete_all_cookies()
    analyst.chrome.get(link)
    analyst.read_on()
    assert "A shared page" in analyst.find(".controls").text
    analyst.find("#card-devices .tabs a:last-child").click()
    analyst.wait("no devices", "return document.querySelector('#card-devices').textContent"
                 ".includes('Desktop')")  # fmt: skip
    assert analyst.barriers() == []
    assert analyst.complaints() == []
    analyst.go("/sites/shop")
    assert analyst.chrome.title == "Sign in · Partywall"
