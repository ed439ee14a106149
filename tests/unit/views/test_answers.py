"""The same statement is asked once within some seconds, and a first view asks few."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.clickhouse.queries import QueryFn, Row
from pipeline.errors import UnavailableError
from pipeline.views.answers import Remembering
from pipeline.views.board import board
from pipeline.views.view import View
from tests.support.console_pages import pages_of
from tests.support.pages import Moment


def test_an_answer_is_remembered_for_half_a_minute() -> None:
    moment, asked = Moment(), []

    def run(statement: str) -> list[Row]:
        asked.append(statement)
        return [{"n": len(asked)}]

    remembering = Remembering(run, moment.stopwatch)
    assert remembering("a") == remembering("a") == [{"n": 1}]
    moment.move(seconds=29.9)
    assert remembering("a") == [{"n": 1}]
    moment.move(seconds=0.1)
    assert remembering("a") == [{"n": 2}]
    assert remembering("b") == [{"n": 3}]


def test_who_asks_the_same_at_the_same_time_waits_for_one_answer() -> None:
    begun, asked = threading.Barrier(8), []

    def run(statement: str) -> list[Row]:
        asked.append(statement)
        return []

    remembering = Remembering(run, Moment().stopwatch)

    def ask(_: int) -> list[Row]:
        begun.wait(30)
        return remembering("a")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [[]] * 8
    assert asked == ["a"]


def test_a_failure_is_not_remembered() -> None:
    failures = [True, False]

    def run(_: str) -> list[Row]:
        if failures.pop(0):
            raise UnavailableError("no answer")
        return []

    remembering = Remembering(run, Moment().stopwatch)
    with pytest.raises(UnavailableError):
        remembering("a")
    assert remembering("a") == []


@pytest.mark.parametrize(("whole", "most"), [(False, 10), (True, 46)])
def test_a_page_asks_few_statements(run: QueryFn, whole: bool, most: int) -> None:
    """What makes a page slow is how often it asks: a figure that a busy machine does not change.

    Seven of a whole page are for the goals of its site, three for the waiting times of its chats,
    three for the links to other sites, one for whether any region is shown.
    """
    asked = []

    def counting(statement: str) -> list[Row]:
        asked.append(statement)
        return run(statement)

    desk = pages_of(counting, "http://127.0.0.1:9330").desk
    view = View("shop", whole=whole)
    shown = asyncio.run(board(desk, view, lateness=120, widget=True))
    assert len(asked) == len(set(asked)) <= most
    assert all((card.waits is None) is (whole or card.list is not None) for card in shown.cards)
