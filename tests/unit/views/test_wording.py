"""Numbers are said briefly and without untruth."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.views.wording import Change, change, days, figure, short, shortened, span


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("visitors", 1234567, "1,234,567"), ("visitors", 0, "0"), ("visitors", None, "–"),
        ("bounce_rate", 0.512, "51 %"), ("bounce_rate", 0.034, "3.4 %"), ("bounce_rate", 0, "0 %"),
        ("views_per_visit", 2.857, "2.86"), ("visit_duration", 102.4, "1m 42s"),
    ],
)  # fmt: skip
def test_a_number_in_a_table(metric: str, value: float | None, said: str) -> None:
    assert figure(metric, value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(9999, "9,999"), (10_000, "10.0k"), (48_213, "48.2k"), (2_500_000, "2.5M"), (3e9, "3.0bn")],
)
def test_a_number_in_a_headline(value: float, said: str) -> None:
    assert short("visitors", value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (3599, "59m 59s"), (3600, "1h 00m")],
)
def test_a_span(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("metric", "now", "before", "became"),
    [
        ("visitors", 120, 100, Change("20 %", "up", good=True)),
        ("visitors", 80, 100, Change("20 %", "down", good=False)),
        ("visitors", 100, 100, Change("same", "same", None)),
        ("bounce_rate", 0.5, 0.6, Change("10 pp", "down", good=True)),
        ("visitors", 5, 0, None),
        ("visitors", None, 100, None),
        ("visitors", 5, None, None),
    ],
)
def test_a_change_is_told_only_between_two_numbers(
    metric: str, now: float | None, before: float | None, became: Change | None
) -> None:
    assert change(metric, now, before) == became


def test_days_are_said_once() -> None:
    day = dt.date(2026, 11, 7)
    assert days(day, day) == "7 Nov 2026"
    assert days(dt.date(2026, 11, 1), day) == "1–7 Nov 2026"
    assert days(dt.date(2026, 10, 9), day) == "9 Oct – 7 Nov 2026"
    assert days(dt.date(2025, 12, 31), day) == "31 Dec 2025 – 7 Nov 2026"


def test_the_middle_of_a_long_path_is_left_out() -> None:
    assert shortened("/a") == "/a"
    assert shortened(f"/{'a' * 50}/end", 11) == "/aaaa…a/end"
    assert len(shortened("x" * 99, 30)) <= 30
