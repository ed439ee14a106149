"""Answers are what a slow count over the same cells comes to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.analytics import Answer, Line
from tests.support.released_cells import OTHER, Cells, Row, by, summed
from tests.unit.analytics.conftest import Ask

PEOPLE = {"view", "request", "failed"}


def shop(**wanted: object) -> Callable[[Row], bool]:
    """Return a test of a row of the shop's."""

    def is_one(row: Row) -> bool:
        return row["site"] == "shop" and all(
            row[name] in value if isinstance(value, set) else row[name] == value
            for name, value in wanted.items()
        )

    return is_one


def numbers(answer: Answer) -> dict[tuple[str, ...], list[Any]]:
    return {line.dimensions: [c.number for c in line.cells] for line in answer.lines}


def test_totals_of_a_site(ask: Ask, cells: Cells) -> None:
    found = ask(metrics=["visitors", "pageviews", "hits", "bytes", "failures"]).totals
    views = cells.newest("segment_daily", shop(segment="view"))
    people = cells.newest("traffic_daily", shop(audience="human"))
    failed = cells.newest("segment_daily", shop(segment="failed"))
    assert [cell.number for cell in found.cells] == [
        summed(views, "visitors"),
        summed(views, "hits"),
        summed(people, "hits"),
        summed(people, "bytes"),
        summed(failed, "hits"),
    ]


@pytest.mark.parametrize("dimension", ["page", "referrer_kind", "browser", "country"])
def test_values_of_a_dimension(ask: Ask, cells: Cells, dimension: str) -> None:
    answer = ask(metrics=["visitors", "pageviews", "hits"], dimensions=[dimension])
    rows = cells.newest("segment_breakdown_daily", shop(dimension=dimension))
    views = by((r for r in rows if r["segment"] == "view"), "value")
    people = by((r for r in rows if r["segment"] in PEOPLE), "value")
    assert numbers(answer) == {
        key: [
            summed(views[key], "visitors"),
            summed(views[key], "hits"),
            summed(people[key], "hits"),
        ]
        for key in people
    }
    assert answer.lines[-1].dimensions == ((OTHER,) if (OTHER,) in people else ("DE",))
    in_order = [line.cells[0].number or 0 for line in answer.lines if OTHER not in line.dimensions]
    assert in_order == sorted(in_order, reverse=True)


def test_a_series_counts_the_hours_of_days_that_are_open(ask: Ask, cells: Cells) -> None:
    answer = ask(
        metrics=["pageviews", "hits"],
        dimensions=["time:day"],
        date_range=["2026-11-26", "2026-11-29"],
    )
    expected = []
    for day in (26, 27, 28, 29):
        date = dt.date(2026, 11, day)
        pace = "daily" if day < 28 else "hourly"
        views = cells.newest(f"segment_{pace}", shop(segment="view"))
        people = cells.newest(f"traffic_{pace}", shop(audience="human"))
        expected.append(
            [
                summed((r for r in views if r["window_start"].date() == date), "hits"),
                summed((r for r in people if r["window_start"].date() == date), "hits"),
            ]
        )
    assert [[c.number for c in line.cells] for line in answer.lines] == expected
    assert any("2026-11-28" in note for note in answer.notes)


def test_weeks_begin_on_mondays(ask: Ask, cells: Cells) -> None:
    answer = ask(metrics=["pageviews"], dimensions=["time:week"])
    views = cells.newest("segment_daily", shop(segment="view"))
    expected: dict[tuple[str, ...], list[Any]] = {}
    for row in views:
        day = row["window_start"].date()
        monday = day - dt.timedelta(days=day.weekday())
        before = expected.setdefault((str(monday),), [0])
        before[0] = before[0] + row["hits"]
    assert numbers(answer) == expected


@pytest.mark.parametrize(
    ("filters", "values"),
    [
        ([["is", "page", ["/a"]]], {"/a"}),
        ([["is", "page", ["/a", "/b"]]], {"/a", "/b"}),
        ([["is_not", "page", ["/", "/a"]]], {"/b", "/docs/a.pdf", "/docs/b.ZIP"}),
        ([["contains", "page", ["docs"]]], {"/docs/a.pdf", "/docs/b.ZIP"}),
        ([["starts_with", "page", ["/docs/a", "/b"]]], {"/docs/a.pdf", "/b"}),
        ([["ends_with", "page", [".zip"]]], {"/docs/b.ZIP"}),
        ([["is_not", "page", ["/"]], ["contains", "page", ["/a", "b"]]],
         {"/a", "/b", "/docs/a.pdf", "/docs/b.ZIP"}),
    ],
)  # fmt: skip
def test_filters_pick_values_and_never_the_rest(
    ask: Ask, cells: Cells, filters: list[object], values: set[str]
) -> None:
    answer = ask(metrics=["pageviews"], dimensions=["page"], filters=filters)
    rows = cells.newest(
        "segment_breakdown_daily",
        shop(segment="view", dimension="page", value=values),
    )
    assert numbers(answer) == {key: [summed(own, "hits")] for key, own in by(rows, "value").items()}
    assert answer.totals.cells[0].number == summed(rows, "hits")


def known(rows: list[Row], *roles: str) -> bool:
    """Tell whether each role is shown, or nothing is hidden."""
    shown = {row["across_value"] for row in rows}
    return bool(rows) and (OTHER not in shown or shown.issuperset(roles))


def roles(cells: Cells, dimension: str) -> dict[tuple[str, ...], list[list[Row]]]:
    """Return the rows of roles by value, apart by day and ingest."""
    rows = cells.newest("pair_daily", shop(dimension=dimension, across="role"))
    return {
        key: list(by(own, "window_start", "ingest").values())
        for key, own in by(rows, "value").items()
    }


def hits(rows: list[Row], *names: str) -> int:
    return summed((row for row in rows if row["across_value"] in names), "hits")


@pytest.mark.parametrize("dimension", ["browser", "referrer_kind", "page"])
def test_metrics_of_visits_divide_like_by_like(ask: Ask, cells: Cells, dimension: str) -> None:
    metrics = ["visits", "bounces", "bounce_rate", "visit_duration", "exits", "exit_rate"]
    answer = ask(metrics=metrics, dimensions=[dimension])
    expected: dict[tuple[str, ...], list[Any]] = {}
    for key, days in roles(cells, dimension).items():
        everything = sum(summed(day, "hits") for day in days)
        told = [day for day in days if known(day, "entry", "bounce")]
        ended = [day for day in days if known(day, "exit", "bounce")]
        visits = sum(hits(day, "entry", "bounce") for day in told)
        bounces = sum(hits(day, "bounce") for day in told)
        exits = sum(hits(day, "exit", "bounce") for day in ended)
        left = sum(summed(day, "hits") for day in ended)
        enough = sum(summed(day, "hits") for day in told) * 2 >= everything
        enough_exits = left * 2 >= everything
        seconds = sum(summed(day, "seconds") for day in told)
        expected[key] = [
            *((visits, bounces, round(bounces / visits, 4), round(seconds / visits, 4))
              if enough else (None,) * 4),
            *((exits, round(exits / left, 4)) if enough_exits else (None,) * 2),
        ]  # fmt: skip
    assert numbers(answer) == expected


def test_views_per_visit_is_of_the_days_that_tell_both(ask: Ask, cells: Cells) -> None:
    [days] = roles(cells, "segment").values()
    told = [day for day in days if known(day, "entry", "bounce")]
    visits = sum(hits(day, "entry", "bounce") for day in told)
    expected = round(sum(summed(day, "hits") for day in told) / visits, 4)
    assert ask(metrics=["views_per_visit"]).totals.cells[0].number == expected


def test_entry_and_exit_pages(ask: Ask) -> None:
    entries = ask(metrics=["entries"], dimensions=["entry_page"])
    assert numbers(entries) == {
        key: values
        for key, values in numbers(ask(metrics=["visits"], dimensions=["page"])).items()
        if values[0]
    }
    exits = ask(metrics=["visits"], dimensions=["exit_page"])
    assert numbers(exits) == {
        key: values
        for key, values in numbers(ask(metrics=["exits"], dimensions=["page"])).items()
        if values[0]
    }
    assert entries.lines
    assert exits.lines


@pytest.mark.parametrize(
    ("first", "across"), [("page", "referrer_kind"), ("page", "next_page"), ("country", "device")]
)
def test_pairs_either_way_round(ask: Ask, cells: Cells, first: str, across: str) -> None:
    rows = cells.newest("pair_daily", shop(dimension=first, across=across))
    expected = {
        key: [summed(own, "hits"), summed(own, "visitors")]
        for key, own in by(rows, "value", "across_value").items()
    }
    answer = ask(metrics=["pageviews", "visitors"], dimensions=[first, across])
    assert numbers(answer) == expected
    turned = ask(metrics=["pageviews", "visitors"], dimensions=[across, first])
    assert numbers(turned) == {(b, a): own for (a, b), own in expected.items()}


def test_a_filter_on_another_dimension_takes_the_pair(ask: Ask, cells: Cells) -> None:
    answer = ask(
        metrics=["pageviews"],
        dimensions=["page"],
        filters=[["is", "referrer_kind", ["search", "ai"]]],
    )
    rows = cells.newest(
        "pair_daily",
        shop(dimension="page", across="referrer_kind", across_value={"search", "ai"}),
    )
    assert numbers(answer) == {key: [summed(own, "hits")] for key, own in by(rows, "value").items()}


def test_classes_of_statuses(ask: Ask, cells: Cells) -> None:
    answer = ask(metrics=["hits"], dimensions=["status_class"])
    rows = cells.newest("segment_breakdown_daily", shop(dimension="status", segment=PEOPLE))
    expected: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        value = str(row["value"])
        key = (value if value == OTHER else f"{value[0]}xx",)
        expected[key] = [expected.get(key, [0])[0] + row["hits"]]
    assert numbers(answer) == expected


def test_pages_of_an_answer_are_the_whole_of_it(ask: Ask) -> None:
    words: dict[str, Any] = {"metrics": ["pageviews"], "dimensions": ["page", "time:day"]}
    whole = ask(**words, limit=1000)
    found: list[Line] = []
    after = None
    while True:
        page = ask(**words, limit=17, after=after)
        assert len(page.lines) <= 17
        found += page.lines
        after = page.next
        if after is None:
            break
    assert tuple(found) == whole.lines
    assert whole.next is None


def test_the_period_before_stands_beside(ask: Ask) -> None:
    words: dict[str, Any] = {"metrics": ["pageviews", "visits"], "dimensions": ["page"]}
    now = ask(**words, date_range=["2026-11-15", "2026-11-21"], compare="previous_period")
    then = ask(**words, date_range=["2026-11-08", "2026-11-14"])
    before = {line.dimensions: line.cells for line in then.lines}
    assert now.lines
    for line in now.lines:
        assert line.compare == before[line.dimensions]
    assert now.totals.compare == then.totals.cells
    series = ask(
        metrics=["pageviews"],
        dimensions=["time:day"],
        date_range=["2026-11-15", "2026-11-21"],
        compare="previous_period",
    )
    days = ask(
        metrics=["pageviews"], dimensions=["time:day"], date_range=["2026-11-08", "2026-11-14"]
    )
    assert [line.compare for line in series.lines] == [line.cells for line in days.lines]
