"""The card of statuses and response times: bars of both, and the quantiles in a sentence."""

from __future__ import annotations

import pytest

from pipeline.clickhouse.queries import QueryFn
from pipeline.response_times import ENDS
from pipeline.views.answers import Cell, Desk
from pipeline.views.board import fill
from pipeline.views.cards import card
from pipeline.views.latency import sentence
from pipeline.views.lists import label
from pipeline.views.view import View
from tests.support.console_pages import pages_of

CARD = card("answers")
METRICS = ("response_time_p50", "response_time_p95", "response_time_p99")


@pytest.fixture
def desk(run: QueryFn) -> Desk:
    return pages_of(run, "http://127.0.0.1:9330").desk


def test_classes_stand_in_their_order_and_quantiles_agree_with_the_bars(desk: Desk) -> None:
    assert CARD is not None
    filled = fill(desk, View("shop", "7d"), CARD)
    assert filled.list is not None
    assert [item.value for item in filled.list.items if not item.folded] == ["2xx", "3xx", "4xx"]
    assert filled.times is not None
    assert filled.times.list is not None
    items = [item for item in filled.times.list.items if not item.folded]
    assert [item.value for item in items] == [name for name in ENDS if name in ITEMS]
    assert "half within 25 ms, 95 % within 500 ms" in filled.said


ITEMS = list(ENDS)[:9]
"""The shop's answers that more than a few people waited for took less than 2.5 seconds."""


@pytest.mark.parametrize(
    "view", [View("docs", "7d"), View("shop", "7d").narrowed("country", "DE"), View("none", "7d")]
)
def test_there_are_no_times_where_no_log_says_or_a_filter_forbids(desk: Desk, view: View) -> None:
    assert CARD is not None
    filled = fill(desk, view, CARD)
    assert (filled.times, filled.said) == (None, "")


@pytest.mark.parametrize(
    ("value", "state", "span", "told"),
    [
        (250.0, "value", (100, 250), "99 % within 250 ms"),
        (2_500.0, "value", (1_000, 2_500), "99 % within 2.5 s"),
        (None, "value", (10_000, None), "99 % within 10 s or more"),
        (None, "withheld", (25, 1_000), "99 % within 25 ms to 1 s"),
        (None, "withheld", (0, 50), "99 % within 50 ms"),
        (None, "withheld", None, "99 % in a time that is withheld"),
        (None, "not_yet_closed", None, "99 % in a time that is not known yet"),
    ],
)
def test_a_quantile_is_told_as_far_as_it_is_known(
    value: float | None, state: str, span: tuple[int, int | None] | None, told: str
) -> None:
    known = [Cell(metric, 5, "value", span=(0, 5)) for metric in METRICS[:2]]
    said = sentence([*known, Cell(METRICS[2], value, state, span=span)])
    assert said == (
        f"Of the answers whose time is logged, half within 5 ms, 95 % within 5 ms and {told}."
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("0-0.005 s", "up to 5 ms"), ("0.1-0.25 s", "100 to 250 ms"), ("0.5-1 s", "500 ms to 1 s"),
        ("1-2.5 s", "1 to 2.5 s"), ("from 10 s", "10 s or longer"), ("(other)", "Everything else"),
    ],
)  # fmt: skip
def test_a_class_is_called_as_people_say_it(value: str, told: str) -> None:
    assert label("response_time", value) == told
