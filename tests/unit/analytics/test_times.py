"""Quantiles of response times say the class they are in, or as much as can be told of it."""

from __future__ import annotations

import datetime as dt
from itertools import combinations_with_replacement
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import analytics
from pipeline.analytics import tables
from pipeline.analytics.named import questions
from pipeline.analytics.part import Part
from pipeline.analytics.quantiles import quantile
from pipeline.analytics.query import read
from pipeline.analytics.scales import RESPONSE_TIMES, VISIT_LENGTHS
from pipeline.analytics.words import LATENCY, MEDIAN
from pipeline.clickhouse.queries import Reader
from pipeline.errors import UsageError
from pipeline.response_times import CLASSES, ENDS
from tests.support.released_cells import Cells

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
PART = Part(name="q", table="segment_breakdown", columns=(), where=(), classes="value")
METRICS = list(LATENCY)
FAST, SLOW, NEVER = "0-0.005 s", "0.25-0.5 s", "from 10 s"


def plain(counts: list[int], share: float) -> int | None:
    """The class of the first answer by which the share is reached, one answer after another."""
    answers = [place for place, count in enumerate(counts) for _ in range(count)]
    if not answers:
        return None
    return next(p for n, p in enumerate(answers, 1) if n >= share * len(answers))


def row(counts: list[int], rest: int) -> dict[str, int]:
    named = {f"q_{column}": n for column, n in zip(RESPONSE_TIMES.counted, counts, strict=True)}
    return {**named, "q_rest": rest, "q_cells": 1}


_some = st.dictionaries(st.sampled_from([0, 1, 4, 10, 11]), st.integers(1, 40), min_size=1)


@settings(max_examples=60)
@given(_some, st.integers(0, 3), st.sampled_from(METRICS))
def test_wherever_the_unknown_ones_lie(known: dict[int, int], rest: int, metric: str) -> None:
    """Every way in which they can lie is tried, in no class too: the answer holds in all."""
    counts = [known.get(place, 0) for place in range(len(CLASSES))]
    places = set()
    for chosen in combinations_with_replacement([*range(len(CLASSES)), None], rest):
        made = [n + chosen.count(place) for place, n in enumerate(counts)]
        places.add(plain(made, LATENCY[metric]))
    cell = quantile(metric, PART, row(counts, rest))
    assert cell is not None
    low, high = min(places), max(places)  # type: ignore[type-var]
    lower, upper = ENDS[CLASSES[low]][0], ENDS[CLASSES[high]][1]  # type: ignore[index]
    assert cell.span == (lower, upper)
    assert (cell.number, cell.state) == ((upper, "value") if low == high else (None, "withheld"))


def test_nothing_known_is_not_nothing_there() -> None:
    nothing = [0] * len(CLASSES)
    assert quantile(METRICS[0], PART, row(nothing, 0)) == (None, "zero", None)
    assert quantile(METRICS[0], PART, row(nothing, 40)) == (None, "withheld", None)
    assert quantile(METRICS[0], PART, row(nothing, 0) | {"q_cells": 0}) is None


def test_the_median_of_visits_is_in_seconds() -> None:
    part = Part(name="q", table="pair", columns=(), where=(), classes="across_value",
                scale=VISIT_LENGTHS)  # fmt: skip
    row = {"q_cells": 1, "q_rest": 0} | {f"q_c{at}": 10 * (at < 3) for at in range(7)}
    assert quantile(MEDIAN, part, row) == (30, "value", (11, 30))
    assert quantile(MEDIAN, part, row | {"q_rest": 11}) == (None, "withheld", (0, 60))
    last = {"q_cells": 1, "q_rest": 0} | {f"q_c{at}": at // 6 for at in range(7)}
    assert quantile(MEDIAN, part, last) == (None, "value", (1801, None))


def test_the_median_of_visits_is_of_the_whole_site(reader: Reader) -> None:
    with pytest.raises(UsageError, match="by page is not counted"):
        ask(reader, 20, 20, metrics=[MEDIAN], dimensions=["page"])


def released() -> Cells:
    """The 20th shows every class, the 21st folds some, the 22nd has no times, the 28th hours."""
    cells = Cells()
    for day, shown in {
        20: {("view", FAST): 60, ("request", SLOW): 38, ("failed", NEVER): 2, ("bot", NEVER): 900,
             ("request", "(none)"): 500},
        21: {("view", FAST): 60, ("request", SLOW): 38, ("failed", "(other)"): 30},
        22: {("view", "(none)"): 60},
    }.items():  # fmt: skip
        here: dict[str, Any] = {
            "site": "shop",
            "window_start": dt.datetime(2026, 11, day, tzinfo=dt.UTC),
        }
        cells.add("traffic_daily", **here, audience="human", hits=90)
        for (segment, value), hits in shown.items():
            cells.add("segment_breakdown_daily", **here, segment=segment,
                      dimension="response_time", value=value, hits=hits, visitors=15)  # fmt: skip
    page = {"site": "shop", "window_start": dt.datetime(2026, 11, 20, tzinfo=dt.UTC),
            "segment": "view", "dimension": "page", "across": "response_time"}  # fmt: skip
    for value, took, hits in (("/", FAST, 50), ("/", "(other)", 1), ("/a", SLOW, 9)):
        cells.add("pair_daily", **page, value=value, across_value=took, hits=hits, visitors=15)
    for hour, took in ((9, FAST), (10, SLOW)):
        then = dt.datetime(2026, 11, 28, hour, tzinfo=dt.UTC)
        cells.add("traffic_hourly", site="shop", window_start=then, audience="human", hits=30)
        cells.add("segment_breakdown_hourly", site="shop", window_start=then, segment="view",
                  dimension="response_time", value=took, hits=30, visitors=15)  # fmt: skip
    return cells


@pytest.fixture(scope="module")
def reader(engine: tuple[Client, Reader]) -> Reader:
    released().insert(engine[0])
    return engine[1]


def ask(reader: Reader, first: int, last: int, **words: Any) -> analytics.Answer:  # noqa: ANN401
    days = [f"2026-11-{first:02d}", f"2026-11-{last:02d}"]
    query = read({"site": "shop", "date_range": days, "metrics": METRICS, **words})
    crossings = {"view": {"page": ("response_time",)}}
    return analytics.ask(
        reader.rows, query, clock=lambda: NOW, k=10, retention_days=1100, crossings=crossings
    )


def test_they_are_of_what_people_asked_for_and_bots_are_left_out(reader: Reader) -> None:
    assert ask(reader, 20, 20).totals.document() == {
        "dimensions": [],
        "metrics": [5, 500, None],
        "states": ["value"] * 3,
        "ranges": [[0, 5], [250, 500], [10_000, None]],
    }
    bots = ask(reader, 20, 20, filters=[["is", "audience", ["bot"]]]).totals
    assert [cell.span for cell in bots.cells] == [(10_000, None)] * 3
    views = ask(reader, 20, 20, filters=[["is", "segment", ["view"]]]).totals
    assert [cell.number for cell in views.cells] == [5, 5, 5]


def test_what_is_folded_makes_a_range_of_what_it_could_move(reader: Reader) -> None:
    found = ask(reader, 21, 21)
    assert [cell.state for cell in found.totals.cells] == ["withheld"] * 3
    assert [cell.span for cell in found.totals.cells] == [(0, 500), (250, None), (250, None)]
    assert any("(other)" in note for note in found.notes)


def test_a_series_has_each_day_and_each_open_hour(reader: Reader) -> None:
    days = ask(reader, 20, 29, dimensions=["time:day"], metrics=METRICS[:1]).lines
    told = {line.dimensions[0][-2:]: (line.cells[0].number, line.cells[0].state) for line in days}
    assert told["20"] == (5, "value")
    assert told["22"] == (None, "zero"), "no log said"
    assert told["23"] == (None, "withheld")
    assert told["28"] == (5, "value"), "added up from hours"
    assert told["29"] == (None, "not_yet_closed")
    hours = ask(reader, 28, 28, dimensions=["time:hour"], metrics=METRICS[:1]).lines
    assert [hours[9].cells[0].number, hours[10].cells[0].number] == [5, 500]


def test_by_segment_and_by_what_is_crossed_with_them(reader: Reader) -> None:
    by = ask(reader, 20, 20, dimensions=["segment"], metrics=METRICS[:1]).lines
    assert [(line.dimensions[0], line.cells[0].span) for line in by] == [
        ("bot", (10_000, None)), ("failed", (10_000, None)), ("request", (250, 500)),
        ("view", (0, 5)),
    ]  # fmt: skip
    view = [["is", "segment", ["view"]]]
    pages = ask(reader, 20, 20, dimensions=["page"], filters=view, metrics=METRICS[1:2]).lines
    assert {line.dimensions[0]: line.cells[0] for line in pages} == {
        "/": (5, "value", (0, 5)), "/a": (500, "value", (250, 500)),
    }  # fmt: skip
    with pytest.raises(UsageError, match="filter segment is view"):
        ask(reader, 20, 20, dimensions=["page"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"dimensions": ["response_time"]}, "ask for hits by response_time"),
        ({"dimensions": ["browser"]}, "by browser is not counted; leave it out"),
        ({"dimensions": ["audience"]}, "filter an audience"),
        ({"site": "shop.widget"}, "a widget sends events"),
    ],
)
def test_what_no_histogram_answers_is_refused(
    reader: Reader, words: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        ask(reader, 20, 20, **words)


def test_files_have_the_range_beside_the_number(reader: Reader) -> None:
    found = tables.frame(ask(reader, 20, 21, dimensions=["time:day"], metrics=METRICS[1:2]))
    assert found.rows(named=True) == [
        {"time:day": "2026-11-20", "response_time_p95": 500, "response_time_p95_state": "value",
         "response_time_p95_from": 250, "response_time_p95_to": 500},
        {"time:day": "2026-11-21", "response_time_p95": None, "response_time_p95_state": "withheld",
         "response_time_p95_from": 250, "response_time_p95_to": None},
    ]  # fmt: skip


def test_the_named_question_is_by_hour_of_one_day_and_else_by_day() -> None:
    for asked, time in (("7d", "time:day"), ("yesterday", "time:hour")):
        one, two = questions("latency", read({"site": "shop", "date_range": asked}))
        assert (one.metrics, one.dimensions) == (tuple(LATENCY), (time,))
        assert (two.metrics, two.dimensions) == (("hits",), ("response_time",))
