"""The page stands alone, says what the terminal says, and no value in it is markup."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime as dt
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analytics.words import CROSSINGS
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.report import asked, collect
from pipeline.report.html import as_html
from pipeline.report.model import Account, Report
from pipeline.views.answers import Cell
from pipeline.views.board import Filled
from pipeline.views.cards import CARDS
from pipeline.views.lists import Item, Listed
from pipeline.views.view import View
from tests.support.console_data import fill
from tests.support.console_pages import asking

VOID = {"meta", "input"}
EVIL = "/<script>alert(1)</script>\"'&\u202e\x00"


class Page(HTMLParser):
    """Collects tags and visible text; fails on a tag that is closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return "".join(self.words)


@dataclasses.dataclass
class Told:
    """A report of the tables, with its page's sections and an account that adds up."""

    report: Report
    account: Account
    sections: tuple[asked.Section, ...]

    @property
    def text(self) -> str:
        return as_html(self.report, self.account, self.sections)


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Sixty days of three sites, one of which has a chat widget."""
    folder = tmp_path_factory.mktemp("numbers") / "clickhouse"
    fill(folder)
    with asking(folder) as run:
        found = collect.collect(run)
        desk = asked.desk_for(run, found, 10, CROSSINGS, {})
        found = dataclasses.replace(found, visits=asked.visits(desk, found))
        counted = found.released_hits + 7
        account = Account(counted + 8, counted, 5, 3, 7, counted + 8, 2, 10, 10, {"<u>why</u>": 5})
        return Told(found, account, tuple(asked.sections(desk, found)))


def one_list(value: str) -> asked.Section:
    """A section of one card with one value."""
    card = CARDS[0]
    cells = tuple(Cell(metric, 20, "value") for metric in card.tabs[0].metrics)
    item = Item(value, value, None, cells, 100, folded=False)
    listed = Listed((item,), card.tabs[0].metrics)
    filled = Filled(card, card.tabs[0], (), list=listed)
    return asked.Section(value, View(value, base="#"), None, ((filled,),), ())


def test_the_page_asks_for_nothing_and_allows_only_its_own_style(told: Told) -> None:
    text = told.text
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "form"} & {tag for tag, _ in page.tags}
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {"src", "style", "action"} & names
    assert not any(name.startswith("on") for name in names)
    led = [attributes["href"] or "" for _, attributes in page.tags if "href" in attributes]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert led
    assert {one[0] for one in led} == {"#"}
    assert {one[1:] for one in led} <= set(ids)
    assert len(set(ids)) == len(ids)
    assert "url(" not in text
    assert "@import" not in text
    assert "//" not in text
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_site_has_its_cards_and_the_widget_is_with_its_site(told: Told) -> None:
    assert [one.site for one in told.sections] == ["blog", "docs", "shop"]
    shop = told.sections[-1]
    titles = [tabs[0].card.title for tabs in shop.cards]
    # It has no goals.
    assert titles == [*(card.title for card in CARDS if card.name != "goals"), "Chat widget"]
    text = Page(told.text).text
    for expected in ("Entry pages", "Bounce rate", "Chat requested", "30+ min", "AI training"):
        assert expected in text
    assert "Nothing to show of: from page to page, failures." in text


def test_the_numbers_are_those_of_the_tables(told: Told) -> None:
    text = Page(told.text).text
    human = sum(row.hits for row in told.report.traffic_daily if row.audience == "human")
    assert f"{human:,}" in text
    for one in told.report.visits:
        assert f"{one.visits / 1000:.1f}k" in text or f"{one.visits:,}" in text
    assert "does not add up" not in text


def test_values_are_text_and_never_markup(told: Told) -> None:
    page = Page(told.text)
    assert not {"script", "img", "u"} & {tag for tag, _ in page.tags}
    evil = as_html(told.report, told.account, [one_list(EVIL)])
    assert "/<script>alert(1)</script>\"'&\ufffd\ufffd" in Page(evil).text
    assert "\u202e" not in evil


@given(value=st.text(max_size=40))
def test_any_value_keeps_the_page_whole(value: str) -> None:
    account = Account(5, 5, 0, 0, 5, 5, 1, 10, 10)
    page = Page(as_html(Report((), (), (), ()), account, [one_list(value)]))
    shown = "".join(c if c.isprintable() else "\ufffd" for c in value)
    assert shown in page.text


def test_every_picture_says_what_it_is_and_every_heading_has_its_rank(told: Told) -> None:
    page = Page(told.text)
    assert page.all("html") == [{"lang": "en"}]
    ranks = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert ranks[0] == 1
    assert ranks.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(ranks))
    assert all("scope" in attributes for attributes in page.all("th"))
    images = [attributes for _, attributes in page.tags if attributes.get("role") == "img"]
    assert len(images) > 6
    assert all(attributes.get("aria-label") for attributes in images)
    labels = {label["for"] for label in page.all("label")}
    assert labels == {one["id"] for one in page.all("input")}


def test_it_is_small_enough_to_be_sent(told: Told) -> None:
    sizes = [len(as_html(told.report, told.account, told.sections[:n])) for n in (0, 1, 3)]
    assert sizes[0] < 30_000
    assert sizes[1] < 160_000
    assert sizes[2] - sizes[1] < 2 * 90_000


def test_k_of_one_is_called_not_anonymous(told: Told) -> None:
    assert "Not anonymous" not in told.text
    one = dataclasses.replace(told, account=dataclasses.replace(told.account, k=1)).text
    assert "Not anonymous" in one
    assert "anonymous statistics" not in one


def test_a_k_below_the_policys_is_not_called_anonymous(told: Told) -> None:
    three = dataclasses.replace(told, account=dataclasses.replace(told.account, k=3)).text
    assert "Below the policy's k of 10: with k = 3 " in Page(three).text
    assert "anonymous statistics" not in three


def test_nothing_released_is_a_page_too(account: Account) -> None:
    text = Page(as_html(Report((), (), (), ()), account, ())).text
    assert "Nothing was released" in text
    assert "malformed 4" in text


def test_one_day_of_a_site_without_visits_is_a_page_too(tmp_path: Path) -> None:
    with asking(_one_day(tmp_path)) as run:
        found = collect.collect(run)
        desk = asked.desk_for(run, found, 10, CROSSINGS, {})
        assert asked.visits(desk, found) == ()
        (section,) = asked.sections(desk, found)
    assert section.glance is not None
    assert section.cards == ()
    page = Page(as_html(found, Account(9, 9, 0, 0, 0, 9, 1, 10, 10), [section]))
    assert "Nothing to show of: pages, sources, places" in page.text


def _one_day(folder: Path) -> Path:
    with contextlib.closing(connect(Engine(path=folder))) as client:
        migrate(client, rollups_days=36_500)
        names = ("site", "window_start", "audience", "hits", "bytes", "visitors")
        row = ["lone", dt.datetime(2015, 5, 17, tzinfo=dt.UTC), "bot", 40, 400, 12]
        client.insert(
            "analytics.traffic_daily_revisions",
            [["live", *row, 1]],
            column_names=["ingest", *names, "revision"],
        )
    return folder
