"""Questions about goals that have no answer are refused in one line, which says what to ask."""

from __future__ import annotations

import datetime as dt
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
