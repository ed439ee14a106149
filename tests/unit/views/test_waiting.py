"""The card of how long people waited for a chat: six classes, each with its number or why not."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.clickhouse.queries import QueryFn
from pipeline.restricted.widget import coarsen
from pipeline.views.answers import Desk
from pipeline.views.board import Filled, board, fill
from pipeline.views.cards import WAITS, card
from pipeline.views.view import View
from tests.support.console_pages import pages_of

CLASSES = (
    "Waited up to 10 s", "Waited 11 to 30 s", "Waited 31 to 60 s", "Waited 1 to 3 min",
    "Waited 3 to 10 min", "Waited over 10 min",
)  # fmt: skip


@pytest.fixture
def desk(run: QueryFn) -> Desk:
    return pages_of(run, "http://127.0.0.1:9330").desk


def filled(desk: Desk, view: View) -> Filled:
    waiting = card("waiting")
    assert waiting is not None
    return fill(desk, view, waiting)


@pytest.mark.parametrize("widget", [True, False])
def test_a_site_has_the_card_if_it_has_a_widget(desk: Desk, *, widget: bool) -> None:
    found = asyncio.run(board(desk, View("shop", "7d"), lateness=120, widget=widget))
    assert ("waiting" in [one.card.name for one in found.cards]) is widget


def test_the_classes_are_those_that_are_counted() -> None:
    assert tuple(dict.fromkeys(map(coarsen.waited, range(700)))) == WAITS


def test_each_class_stands_in_its_place_with_its_number_or_why_there_is_none(desk: Desk) -> None:
    found = filled(desk, View("shop", "30d"))
    assert found.list is not None
    assert tuple(item.label for item in found.list.items) == CLASSES
    states = [[cell.state for cell in item.cells] for item in found.list.items]
    assert states[0] == ["value", "value"]
    assert states[-1] == ["withheld", "withheld"], "so few that they are folded every day"
    events, visitors = (cell.value or 0 for cell in found.list.items[0].cells)
    assert events >= visitors > 0
    assert all(item.href is None for item in found.list.items)
    assert "shop.widget" in found.exports[0][1]


def test_it_is_empty_where_no_widget_says_how_long(desk: Desk) -> None:
    assert not filled(desk, View("shop", "7d")).empty
    assert filled(desk, View("blog", "7d")).empty


def test_it_says_so_where_a_filter_forbids(desk: Desk) -> None:
    found = filled(desk, View("shop", "7d").narrowed("country", "DE"))
    assert found.list is not None
    assert found.list.trouble == "Waiting times: not counted together with country."
