"""The page stands alone, says what the terminal says, and no value in it is markup."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.report import charts
from pipeline.report.html import as_html
from pipeline.report.model import Account, Breakdown, Report, Traffic

VOID = {"meta", "rect", "line", "wbr"}
SUNDAY = dt.datetime(2015, 5, 17, tzinfo=dt.UTC)
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


def test_the_page_asks_for_nothing_and_allows_only_its_own_style(
    report: Report, account: Account
) -> None:
    text = as_html(report, account)
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "form", "a"} & {tag for tag, _ in page.tags}
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {"src", "href", "style"} & names
    assert not any(name.startswith("on") for name in names)
    assert "url(" not in text
    assert "@import" not in text
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_values_are_text_and_never_markup(report: Report, account: Account) -> None:
    row = Breakdown("<i>site</i>", report.traffic_daily[0].start, "page", EVIL, 5, 10)
    traffic = Traffic("<i>site</i>", report.traffic_daily[0].start, "human", 5, 5, 10)
    evil = dataclasses.replace(account, reasons={"<u>why</u>": 1})
    text = as_html(Report((traffic,), (), (row,), ()), evil)
    page = Page(text)
    assert not {"script", "i", "u"} & {tag for tag, _ in page.tags}
    assert "/<script>alert(1)</script>\"'&\ufffd\ufffd" in page.text
    assert "\u202e" not in text


@given(value=st.text(max_size=40))
def test_any_value_keeps_the_page_whole(value: str) -> None:
    row = Breakdown("s", SUNDAY, "page", value, 5, 10)
    page = Page(
        as_html(
            Report((Traffic("s", SUNDAY, "human", 5, 5, 10),), (), (row,), ()),
            Account(5, 5, 0, 0, 0, 5, 1, 10, 10),
        )
    )
    shown = "".join(c if c.isprintable() else "\ufffd" for c in value)
    assert shown in page.text


def test_every_chart_has_a_table_and_every_heading_its_rank(
    report: Report, account: Account
) -> None:
    page = Page(as_html(report, account))
    assert page.all("html") == [{"lang": "en"}]
    ranks = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert ranks[0] == 1
    assert ranks.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(ranks))
    assert all("scope" in attributes for attributes in page.all("th"))
    images = [attributes for _, attributes in page.tags if attributes.get("role") == "img"]
    assert all(attributes.get("aria-label") for attributes in images)
    assert all(svg.get("aria-hidden") == "true" for svg in page.all("svg"))
    hours = [row for row in report.traffic_hourly if row.audience == "human"]
    assert page.text.count(":00") >= len(hours)


def test_the_numbers_are_there(report: Report, account: Account) -> None:
    text = Page(as_html(report, account)).text.replace("\N{NARROW NO-BREAK SPACE}", ",")
    for expected in ("3,545", "2,345", "3.00 GiB", "404 Not Found", "malformed 4", "(other)"):
        assert expected in text
    assert "No countries and providers" in text
    assert "does not add up" not in text


def test_k_of_one_is_called_not_anonymous(report: Report, account: Account) -> None:
    assert "Not anonymous" not in as_html(report, account)
    one = as_html(report, dataclasses.replace(account, k=1))
    assert "Not anonymous" in one
    assert "anonymous statistics" not in one


def test_a_k_below_the_policys_is_not_called_anonymous(report: Report, account: Account) -> None:
    three = Page(as_html(report, dataclasses.replace(account, k=3))).text
    assert "Below the policy's k of 10: with k = 3 " in three
    assert "anonymous statistics" not in three


def test_nothing_released_is_a_page_too(account: Account) -> None:
    assert "Nothing was released" in Page(as_html(Report((), (), (), ()), account)).text


def test_a_long_period_is_drawn_by_day(report: Report, account: Account) -> None:
    first = report.traffic_daily[0]
    days = tuple(dataclasses.replace(first, start=SUNDAY + dt.timedelta(days=n)) for n in range(60))
    page = Page(as_html(dataclasses.replace(report, traffic_daily=days), account))
    assert "Hits by day" in page.text
    assert "The numbers by day" in page.text


@given(st.integers(0, 10**15))
def test_a_scale_holds_its_value_and_wastes_little(value: int) -> None:
    top = charts.ceiling(value)
    assert max(value, 1) <= top <= max(2 * value, 1)
