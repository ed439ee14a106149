"""The card of goals is there where a site has some, and leads to pages by goal."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.clickhouse.queries import QueryFn
from pipeline.views import lists
from pipeline.views.answers import Desk
from pipeline.views.board import board, fill
from pipeline.views.cards import GOALS, card
from pipeline.views.view import View
from tests.support.console_pages import pages_of


@pytest.fixture
def desk(run: QueryFn) -> Desk:
    return pages_of(run, "http://127.0.0.1:9330").desk


def cards_of(desk: Desk, site: str) -> list[str]:
    found = asyncio.run(board(desk, View(site, "7d"), lateness=120, widget=False))
    return [one.card.name for one in found.cards]


def test_a_site_has_the_card_if_it_has_goals(desk: Desk) -> None:
    assert GOALS in cards_of(desk, "shop")
    assert GOALS not in cards_of(desk, "blog")


def test_each_goal_has_its_numbers_and_pages_lead_to_a_filter(desk: Desk) -> None:
    goals = card(GOALS)
    assert goals is not None
    found = fill(desk, View("shop", "7d"), goals).list
    assert found is not None
    by_name = {item.value: item for item in found.items}
    assert by_name.keys() == {"signup", "checkout", "chat"}
    assert all(cell.known for item in found.items for cell in item.cells)
    reached, visitors, rate = by_name["signup"].cells
    assert reached.value >= visitors.value > 0  # type: ignore[operator]
    assert 0 < (rate.value or 0) < 1
    assert by_name["signup"].href == View("shop", "7d").narrowed("goal", "signup").url()
    assert by_name["chat"].href is None
    assert found.items[0].bar == 100


def test_a_goal_of_events_is_there_however_many_goals_there_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_ASKED", 1)
    goals = card(GOALS)
    assert goals is not None
    found = fill(desk, View("shop", "7d"), goals).list
    assert found is not None
    assert {item.value for item in found.items} == {"signup", "checkout", "chat"}


def test_failures_say_which_pages_led_there(desk: Desk) -> None:
    failures = card("failures")
    assert failures is not None
    view = View("shop", "7d").with_tab("failures", "came")
    found = fill(desk, view, failures).list
    assert found is not None
    assert {"No page at all", "Other sites", "/blog"} <= {item.label for item in found.items}
