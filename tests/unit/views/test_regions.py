"""The tab of regions and cities stands beside the countries where any is shown, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.clickhouse.queries import QueryFn
from pipeline.views.answers import Desk
from pipeline.views.board import fill
from pipeline.views.cards import Card, card
from pipeline.views.view import View
from tests.support.console_pages import pages_of

SHOP = View("shop", "7d")


@pytest.fixture
def desk(run: QueryFn) -> Desk:
    return pages_of(run, "http://127.0.0.1:9330").desk


@pytest.fixture
def places() -> Card:
    found = card("places")
    assert found is not None
    return found


def test_a_site_whose_regions_are_known_has_their_tab(desk: Desk, places: Card) -> None:
    filled = fill(desk, SHOP, places)
    assert [tab.name for tab, _, _ in filled.tabs] == ["country", "provider", "place"]
    assert filled.tab.name == "country"
    assert filled.shades
    chosen = fill(desk, replace(SHOP, tabs={"places": "place"}), places)
    assert chosen.list is not None
    items = {item.value: item for item in chosen.list.items}
    assert items["DE-BE"].href == "/sites/shop?period=7d&place=DE-BE&places=place"
    assert items["(other)"].folded
    assert not chosen.empty


@pytest.mark.parametrize("view", [View("docs", "7d"), SHOP.narrowed("page", "/")])
def test_where_none_is_known_or_can_be_told_there_is_no_such_tab(
    desk: Desk, places: Card, view: View
) -> None:
    filled = fill(desk, view, places)
    assert [tab.name for tab, _, _ in filled.tabs] == ["country", "provider"]


def test_a_tab_that_was_chosen_says_itself_that_it_is_empty(desk: Desk, places: Card) -> None:
    filled = fill(desk, replace(View("docs", "7d"), tabs={"places": "place"}), places)
    assert filled.tab.name == "place"
    assert filled.empty
