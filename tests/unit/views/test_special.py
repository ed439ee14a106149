"""Funnel, ways between pages, newest hour: what they say adds up."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clickhouse.queries import QueryFn
from pipeline.views import special
from pipeline.views.answers import Desk
from pipeline.views.cards import Tab, card
from pipeline.views.chart import ceiling, chart, unit_of
from pipeline.views.view import View
from tests.support.console_pages import NOW, pages_of

VIEW = View("shop", "7d")


@pytest.fixture
def desk(run: QueryFn) -> Desk:
    return pages_of(run, "http://127.0.0.1:9330").desk


def tab(name: str) -> Tab:
    """The usual tab of a card."""
    found = card(name)
    assert found is not None
    return found.tab(None)


def test_a_funnel_narrows_from_its_first_step(desk: Desk) -> None:
    steps = special.funnel(desk, VIEW, tab("funnel")).steps
    people = [step.cell.value for step in steps]
    assert [step.label for step in steps][::4] == ["Widget shown", "Rated"]
    assert all(people)
    assert sorted(people, key=lambda n: -(n or 0)) == people
    for before, step in pairwise(steps):
        assert step.of_before == pytest.approx((step.cell.value or 0) / (before.cell.value or 1))
        assert step.of_first == pytest.approx((step.cell.value or 0) / (people[0] or 1))


def test_a_step_that_too_few_took_is_withheld_and_not_nought(desk: Desk) -> None:
    view = VIEW.narrowed("country", "DE")
    steps = special.funnel(desk, view, tab("funnel")).steps
    assert steps[0].cell.value
    assert (steps[-1].cell.value, steps[-1].cell.state) == (None, "withheld")
    assert steps[-1].of_before is steps[-1].of_first is None


def test_a_site_without_a_widget_has_no_funnel_numbers(desk: Desk) -> None:
    steps = special.funnel(desk, View("docs", "7d"), tab("funnel")).steps
    assert all(not step.cell.value for step in steps)


def test_ways_between_pages_fill_both_columns(desk: Desk) -> None:
    flow = special.flow(desk, VIEW, tab("flow"))
    assert 0 < len(flow.sources) <= 6
    assert 0 < len(flow.targets) <= 6
    moves = sum(one.moves for one in flow.ribbons)
    for ends in (flow.sources, flow.targets):
        assert sum(end.moves for end in ends) == moves
        assert all(a.top + a.high < b.top for a, b in pairwise(ends))
        assert ends[-1].top + ends[-1].high <= flow.high + 0.01
    assert all(one.source != one.target for one in flow.ribbons)


def test_the_newest_hour_is_the_last_that_was_released(desk: Desk) -> None:
    newest = special.newest(desk, VIEW, 120)
    assert newest.at == dt.datetime(2026, 11, 29, 8, tzinfo=dt.UTC)
    assert newest.following == dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
    silent = replace(desk, clock=lambda: NOW + dt.timedelta(hours=5))
    assert special.newest(silent, VIEW, 120).following == dt.datetime(
        2026, 11, 29, 17, tzinfo=dt.UTC
    )
    assert newest.visitors is not None
    assert newest.visitors.value
    assert len(newest.hours) == 24
    assert max(hour.bar for hour in newest.hours) == 40
    late = replace(desk, clock=lambda: NOW + dt.timedelta(days=3))
    later = special.newest(late, VIEW, 120)
    assert (later.at, later.hours) == (None, ())


def test_a_line_has_each_day_and_the_day_a_period_ago(desk: Desk) -> None:
    first, last = dt.date(2026, 11, 15), dt.date(2026, 11, 28)
    line = chart(desk, VIEW, first, last)
    assert line.unit == "day"
    assert [point.at.date() for point in line.points] == [
        first + dt.timedelta(days=n) for n in range(14)
    ]
    earlier = chart(desk, VIEW, first - dt.timedelta(days=14), first - dt.timedelta(days=1))
    assert [p.before and p.before.value for p in line.points] == [
        p.cell.value for p in earlier.points
    ]
    assert line.outline().count("L") == 13


@pytest.mark.parametrize(
    ("days", "unit"), [(1, "hour"), (2, "hour"), (3, "day"), (100, "day"), (366, "week")]
)
def test_longer_periods_have_longer_steps(days: int, unit: str) -> None:
    assert unit_of(days) == unit


@given(st.integers(0, 10**15))
def test_a_scale_holds_its_value_and_wastes_little(value: int) -> None:
    top = ceiling(value)
    assert max(value, 1) <= top <= max(2 * value, 1)


@given(st.floats(0.001, 1))
def test_a_scale_of_shares_does_too(value: float) -> None:
    assert value <= ceiling(value) <= 2 * value
