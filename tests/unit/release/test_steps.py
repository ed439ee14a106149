"""A step is told of k visitors, with k others after it; when it is worked out changes nothing."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.release.rules import Rules
from pipeline.release.step_times import UNSAID
from pipeline.release.steps import ROWS, steps
from pipeline.rows import HOUR, MINUTE

START = 500_000 * HOUR
Row = tuple[int, int, int, int, int, int]
"""Category, minute, visitor, hits, bytes, place of the response time's class."""
Step = tuple[int, int, int, int, int, int]


def rows_of(seed: int) -> list[Row]:
    """Rows of some categories of two hours: busy and quiet ones, visitors that stay or leave."""
    draw = random.Random(seed)
    found: dict[tuple[int, int, int, int], tuple[int, int]] = {}
    for category in range(draw.randint(1, 4)):
        start = START + draw.randrange(2) * HOUR
        people = draw.choice([2, 5, 12, 40])
        paces = draw.choice([[2], [2, 2, 3, 4, 7], [2, 3, 3, 6, UNSAID], [UNSAID]])
        for _ in range(draw.choice([0, 5, 60, 200])):
            minute = start + draw.randrange(draw.choice([3, 20, 60])) * MINUTE
            pace = draw.choice(paces)
            place = category, minute, draw.randrange(people), pace
            found[place] = draw.randint(1, 9), draw.randrange(999)
    return [(*place[:3], *counts, place[3]) for place, counts in sorted(found.items())]


def frame(rows: Iterable[Row]) -> pl.DataFrame:
    names = ["category", "minute", "visitor", "hits", "bytes", "pace"]
    kinds = {name: ROWS[name] for name in names}
    return pl.DataFrame(list(rows), kinds, orient="row").select(*ROWS)


def told(rows: Iterable[Row], k: int, rules: Rules | None = None) -> list[Step]:
    return steps(frame(rows), k, rules).rows()


def plain(rows: list[Row], k: int) -> list[Step]:
    """The same, minute by minute in plain Python."""
    of: dict[int, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        of[row[0]][row[1]].append(row)
    found: list[Step] = []
    for category, minutes in sorted(of.items()):
        start, held, before = min(minutes) // HOUR * HOUR, list[Row](), set[int]()
        for minute in sorted(minutes):
            held += minutes[minute]
            who = {row[2] for row in held}
            if len(who) < k:
                continue
            later = {row[2] for at in minutes if at > minute for row in minutes[at]}
            before |= who
            if k > 1 and len(later - before) < k:
                break
            begin = start if k > 1 else minute
            spans = (minute - begin) // MINUTE + 1
            hits, size = (sum(row[at] for row in held) for at in (3, 4))
            found.append((category, begin, spans, hits, size, len(who)))
            start, held = minute + MINUTE, []
    return found


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 6))
def test_steps_are_those_that_a_plain_count_finds(seed: int, k: int) -> None:
    rows = rows_of(seed)
    assert told(rows, k) == plain(rows, k)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 6), stop=st.integers(0, 120))
def test_what_was_told_stays_told_as_minutes_pass(seed: int, k: int, stop: int) -> None:
    rows = rows_of(seed)
    early = told((row for row in rows if row[1] < START + stop * MINUTE), k)
    assert set(early) <= set(told(rows, k))


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 6))
def test_what_is_left_of_an_hour_is_k_visitors_of_its_own(seed: int, k: int) -> None:
    """So the hour less its steps, in requests or in visitors, never stands for fewer."""
    rows = rows_of(seed)
    ends = {category: start + spans * MINUTE for category, start, spans, *_ in told(rows, k)}
    for category, end in ends.items():
        mine = [row for row in rows if row[0] == category]
        within, after = (
            {row[2] for row in mine if (row[1] < end) == early} for early in (True, False)
        )
        assert len(after - within) >= k


@given(seed=st.integers(0, 10**6), k=st.integers(1, 6))
@settings(max_examples=20)
def test_decisions_do_not_look_at_hits_or_bytes(seed: int, k: int) -> None:
    rows = rows_of(seed)
    others = [(*row[:3], 1, 0, row[5]) for row in rows]
    shapes = [[(*step[:3], step[5]) for step in told(some, k)] for some in (rows, others)]
    assert shapes[0] == shapes[1]


def test_steps_of_an_hour_follow_each_other_from_its_start() -> None:
    """A minute in which nobody came, or too few, is within the step that follows."""
    came = [(7, 3), (12, 3), (30, 6), (40, 5), (50, 1)]
    visitors = iter(range(99))
    rows = [
        (0, START + minute * MINUTE, next(visitors), 1, 10, 0)
        for minute, count in came
        for _ in range(count)
    ]
    assert told(rows, 5) == [
        (0, START, 13, 6, 60, 6),
        (0, START + 13 * MINUTE, 18, 6, 60, 6),
    ]


def test_the_last_of_an_hour_is_never_told_and_who_stays_is_no_reserve() -> None:
    stay = [
        (0, START + minute * MINUTE, visitor, 1, 1, 0)
        for minute in range(60)
        for visitor in range(9)
    ]
    assert told(stay, 5) == []
    assert len(told(stay, 5, Rules(reserve=False))) == 60


def test_with_k_of_one_every_minute_is_told() -> None:
    rows = rows_of(4)
    assert sum(step[3] for step in told(rows, 1)) == sum(row[3] for row in rows)
    assert all(step[2] == 1 for step in told(rows, 1))


@pytest.mark.parametrize("k", [1, 10])
def test_nobody_came(k: int) -> None:
    assert told([], k) == []
