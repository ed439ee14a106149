"""A day is unusual against its own past, and only where enough of that is known."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.digest.alerts import PAST, judged
from pipeline.digest.rule import FEWEST_WEEKS, MOST_WEEKS, count, share
from pipeline.digest.series import Days, Series

K = 10
DAY = dt.date(2026, 11, 27)
WEEKS = [DAY - dt.timedelta(days=7 * n) for n in range(MOST_WEEKS + 1)]


def series(views: Days = {}, failed: Days = {}, bots: Days = {}) -> Series:  # noqa: B006 -- never changed
    asked = dict.fromkeys(failed, 10_000)
    return Series(views, {}, {}, {}, asked, failed, bots)


@given(st.integers(0, 10**9), st.integers(FEWEST_WEEKS, MOST_WEEKS), st.integers(1, 100))
def test_what_never_changes_is_never_unusual(value: int, weeks: int, k: int) -> None:
    assert count(value, [value] * weeks, k) is None


@given(st.lists(st.integers(90, 110), min_size=FEWEST_WEEKS, max_size=MOST_WEEKS))
def test_ten_times_the_usual_is_unusual(past: list[int]) -> None:
    found = count(1000, past, K)
    assert found is not None
    assert found.score > 3.5


@given(
    st.integers(0, 20_000),
    st.lists(st.integers(9_990, 10_010), max_size=MOST_WEEKS),
    st.integers(1, 5_000),
)
def test_less_than_k_or_a_fifth_is_never_told(value: int, past: list[int], k: int) -> None:
    found = count(value, past, k)
    if found is not None:
        assert len(past) >= FEWEST_WEEKS
        assert abs(value - found.usual) >= max(k, found.usual / 5)


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**6), min_size=FEWEST_WEEKS, max_size=MOST_WEEKS),
    st.randoms(),
)
def test_the_order_of_the_weeks_is_no_matter(value: int, past: list[int], random: object) -> None:
    again = sorted(past, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert count(value, past, K) == count(value, again, K)


@pytest.mark.parametrize("outlier", [0, 100_000])
def test_one_odd_week_does_not_move_the_rule(outlier: int) -> None:
    past = [1000, 1010, 990, 1005, 995, outlier]
    assert count(1010, past, K) is None
    assert count(2000, past, K) is not None


def test_what_chance_makes_of_a_small_count_is_usual() -> None:
    """30 a week without fail, then 42: twelve more are two deviations of a count of 30."""
    assert count(42, [30] * MOST_WEEKS, K) is None
    assert count(60, [30] * MOST_WEEKS, K) is not None


def test_three_weeks_are_too_few() -> None:
    assert count(10_000, [100] * (FEWEST_WEEKS - 1), K) is None
    assert share(0.9, 1000, [0.01] * (FEWEST_WEEKS - 1), K) is None


def test_a_share_must_move_by_points_and_by_k_requests() -> None:
    past = [0.010, 0.011, 0.009, 0.010, 0.010]
    assert share(0.25, 10_000, past, K) is not None
    assert share(0.028, 1_000_000, past, K) is None, "under two points"
    assert share(0.25, 30, past, K) is None, "7 of 30 requests"
    assert share(0.0, 10_000, [0.25] * 5, K) is None, "fewer failures"


@given(st.sets(st.sampled_from(WEEKS[1:])), st.integers(1, 5))
def test_days_that_are_not_shown_take_no_part(missing: set[dt.date], times: int) -> None:
    """A day missing is no day of 0: what is known decides, and where it is too little, nothing."""
    views = {day: 1000 for day in WEEKS if day not in missing}
    views[DAY] = 1000 * times
    found = judged("shop", DAY, series(views), K)
    known = MOST_WEEKS - len(missing)
    assert bool(found) is (times > 1 and known >= FEWEST_WEEKS)
    assert all(alert.found.weeks == known and alert.found.usual == 1000 for alert in found)


def test_the_day_itself_must_be_shown() -> None:
    assert judged("shop", DAY, series(dict.fromkeys(WEEKS[1:], 1000)), K) == ()


def test_only_the_same_weekday_counts() -> None:
    other = {DAY - dt.timedelta(days=n): 10 for n in range(1, PAST.days) if n % 7}
    views = other | dict.fromkeys(WEEKS, 1000)
    assert judged("shop", DAY, series(views), K) == ()


def test_each_kind_of_number_is_looked_at() -> None:
    usual = dict.fromkeys(WEEKS, 100)
    spoiled = usual | {DAY: 5000}
    found = judged("shop", DAY, series(spoiled, spoiled, spoiled), K)
    assert [alert.metric for alert in found] == ["page_views", "failed_share", "bots"]
    assert judged("shop", DAY, series(usual, usual, usual), K) == ()
