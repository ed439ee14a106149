"""Goals of pages and of events stand in one list; what has no answer is refused in one line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from pipeline import analytics
from pipeline.clickhouse.queries import Reader
from pipeline.errors import UsageError
from pipeline.settings import Settings
from tests.support.released_cells import Cells

GOALS = Settings(
    goals={"shop": {"a": {"page": "/a"}, "b": {"event": "opened"}, "c": {"event": "rated"}}}
).goals
NOW = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"metrics": ["conversion_rate"]}, "metrics: conversion_rate is of one goal"),
        (
            {"metrics": ["conversions", "conversion_rate"], "dimensions": ["goal"],
             "order": [["conversion_rate", "desc"]]},
            "order: rows are not ordered by conversion_rate",
        ),
        (
            {"metrics": ["conversion_rate"], "dimensions": ["time:week"],
             "filters": [["is", "goal", ["a"]]]},
            "dimensions: conversion_rate is of days",
        ),
        (
            {"metrics": ["conversions"], "dimensions": ["time:day"],
             "filters": [["is", "goal", ["a", "b"]]]},
            "filters: b is a goal of events; filter it alone",
        ),
        ({"metrics": ["conversions", "bytes"]}, "metrics: bytes is not counted beside"),
        (
            {"metrics": ["conversions", "hits"], "filters": [["is", "goal", ["b"]]]},
            "metrics: hits is not counted beside conversions",
        ),
        (
            {"metrics": ["hits", "conversion_rate"], "dimensions": ["goal"]},
            "metrics: hits is not counted beside conversions",
        ),
        (
            {"metrics": ["conversions"], "site": "shop.widget"},
            "metrics: a widget's conversions are its site's",
        ),
        (
            {"metrics": ["conversions", "visitors"]},
            "metrics: visitors of several values of goal cannot be added up",
        ),
        (
            {"metrics": ["conversions"], "dimensions": ["browser"]},
            "dimensions: browser with goal is not counted",
        ),
    ],
)  # fmt: skip
def test_a_mistake_about_goals_is_one_line(words: dict[str, Any], said: str) -> None:
    query = analytics.read({"site": "shop", "date_range": "7d", **words})
    with pytest.raises(UsageError) as caught:
        analytics.ask(lambda _: [], query, clock=lambda: NOW, k=10, retention_days=100, goals=GOALS)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_rate_is_of_the_days_on_which_it_is_known(engine: tuple[Client, Reader]) -> None:
    """A day on which nobody reached the goal counts; one on which it may be folded does not."""
    made = Cells()
    days = {
        1: ({"a": 20, "(none)": 80}, {"search": 12, "(other)": 10}),
        2: ({"(none)": 100}, {}),
        3: ({"z": 15, "(none)": 85}, {}),
        4: ({"z": 15, "(other)": 85}, {}),
        5: ({"a": 30, "(other)": 70}, {"search": 30}),
    }
    for day, (goals, channels) in days.items():
        at = {"site": "shop", "window_start": dt.datetime(2026, 11, day, tzinfo=dt.UTC)}
        made.add("traffic_daily", **at, audience="human", hits=500, visitors=100)
        view = {**at, "segment": "view"}
        made.add("segment_daily", **view, hits=500, visitors=100)
        for value, people in goals.items():
            cell = {"value": value, "hits": 2 * people, "visitors": people}
            made.add("segment_breakdown_daily", **view, dimension="goal", **cell)
        for value, people in {"search": 40, "direct": 60}.items():
            cell = {"value": value, "hits": people, "visitors": people}
            made.add("segment_breakdown_daily", **view, dimension="referrer_kind", **cell)
        for value, people in channels.items():
            cell = {"across_value": value, "hits": people, "visitors": people}
            pair = {"dimension": "goal", "value": "a", "across": "referrer_kind"}
            made.add("pair_daily", **view, **pair, **cell)
    made.insert(engine[0])

    def rates(by: list[str], *filters: object) -> dict[tuple[str, ...], object]:
        query = analytics.read({
            "site": "shop", "date_range": ["2026-11-01", "2026-11-05"], "dimensions": by,
            "metrics": ["conversions", "conversion_rate"], "filters": list(filters),
        })  # fmt: skip
        found = analytics.ask(engine[1].rows, query, clock=lambda: NOW, k=10, retention_days=1100)
        return {line.dimensions: line.cells[1].number for line in found.lines}

    of_a = ["is", "goal", ["a"]]
    assert rates(["goal"]) == {("a",): round(50 / 400, 4), ("z",): round(30 / 400, 4)}
    assert rates([], of_a) == {(): round(50 / 400, 4)}
    assert rates(["referrer_kind"], of_a)["search",] == round(42 / 160, 4)
    assert rates(["time:day"], of_a) == {
        ("2026-11-01",): 0.2, ("2026-11-02",): 0, ("2026-11-03",): 0, ("2026-11-04",): None,
        ("2026-11-05",): 0.3,
    }  # fmt: skip


STORE = Settings(
    goals={
        "store": {
            **{name: {"page": f"/{name}"} for name in "abcde"},
            "chat": {"event": "opened"}, "talk": {"event": ["rated", "closed"]},
            "mail": {"event": "sent"},
        }
    }
).goals  # fmt: skip
REACHED = {"a": 90, "b": 70, "c": 50, "d": 30, "e": 11}
"""Goal that is a page → its visitors; half as many requests again."""
HAPPENED = {"opened": 60, "rated": 20, "closed": 21}
Told = Callable[..., analytics.Answer]


@pytest.fixture(scope="module")
def told(engine: tuple[Client, Reader]) -> Told:
    """Ask about a site with five goals that are pages and three that are events."""
    made = Cells()
    for day in (1, 2):
        at = {"window_start": dt.datetime(2026, 11, day, tzinfo=dt.UTC)}
        for site, segment, dimension, values in (
            ("store", "view", "goal", REACHED | {"(none)": 500}),
            ("store.widget", "request", "event", HAPPENED),
        ):
            here = {"site": site, **at}
            made.add("traffic_daily", **here, audience="human", hits=2_000, visitors=1_000)
            made.add("segment_daily", **here, segment=segment, hits=2_000, visitors=1_000)
            for value, people in values.items():
                made.add("segment_breakdown_daily", **here, segment=segment, dimension=dimension,
                         value=value, hits=people * 3 // 2, visitors=people)  # fmt: skip
    made.insert(engine[0])

    def ask(**words: object) -> analytics.Answer:
        query = analytics.read({
            "site": "store", "metrics": ["conversions"], "dimensions": ["goal"],
            "date_range": ["2026-11-01", "2026-11-02"], **words,
        })  # fmt: skip
        return analytics.ask(
            engine[1].rows, query, clock=lambda: NOW, k=10, retention_days=1100, goals=STORE
        )

    return ask


def names(answer: analytics.Answer) -> list[str]:
    return [line.dimensions[0] for line in answer.lines]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
@pytest.mark.parametrize("metrics", [["conversions"], ["conversions", "conversion_rate"]])
def test_the_pages_of_a_list_have_every_goal_once(
    told: Told, limit: int, metrics: list[str]
) -> None:
    pages = [told(metrics=metrics, limit=limit)]
    while pages[-1].next is not None:
        pages.append(told(metrics=metrics, limit=limit, after=pages[-1].next))
    found = [name for page in pages for name in names(page)]
    assert sorted(found) == sorted(STORE["store"])
    assert {"chat", "talk", "mail"} <= set(names(pages[-1]))
    notes = [" ".join(page.notes) for page in pages]
    assert all("events are on the last page" in note for note in notes[:-1])
    assert "events are on the last page" not in notes[-1]


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("metric", ["conversions", "visitors"])
def test_goals_are_in_the_order_that_was_asked_for(told: Told, metric: str, *, down: bool) -> None:
    """Whatever they are of; one of which nothing is known comes last."""
    metrics = ["visitors", "conversions"]
    found = told(metrics=metrics, order=[[metric, "desc" if down else "asc"]])
    told_of = [line.cells[metrics.index(metric)].number for line in found.lines]
    known = [number for number in told_of if number is not None]
    assert told_of[: len(known)] == known
    assert all(one >= two if down else one <= two for one, two in pairwise(known))
    assert {"a", "chat"} <= set(names(found)[: len(known)])


def test_goals_are_in_the_order_of_their_names(told: Told) -> None:
    for way in ("asc", "desc"):
        found = names(told(order=[["goal", way]]))
        assert found == sorted(STORE["store"], reverse=way == "desc")


def test_the_largest_goals_come_first_where_no_order_was_asked_for(told: Told) -> None:
    assert names(told())[:4] == ["a", "b", "chat", "c"]
    assert names(told(metrics=["visitors", "conversions"]))[:4] == ["a", "b", "chat", "c"]


def test_a_goal_of_events_is_ordered_by_its_conversions(told: Told) -> None:
    of_chat = {"dimensions": ["time:day"], "filters": [["is", "goal", ["chat"]]]}
    found = told(**of_chat, order=[["conversions", "desc"]])
    assert [line.cells[0].number for line in found.lines] == [90, 90]
    with pytest.raises(UsageError, match="order: conversions is not asked for"):
        told(**of_chat, metrics=["visitors"], order=[["conversions", "desc"]])


def test_a_rate_is_of_goals_whether_their_conversions_are_asked_for_or_not(told: Told) -> None:
    alone = told(metrics=["visitors", "conversion_rate"])
    beside = told(metrics=["conversions", "visitors", "conversion_rate"])
    assert {line.dimensions: line.cells for line in alone.lines} == {
        line.dimensions: line.cells[1:] for line in beside.lines
    }
    assert "(none)" not in names(alone)
