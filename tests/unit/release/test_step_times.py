"""How long the answers of a step took: ranges of k visitors, each with k who come after it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.release.step_times import UNSAID, times
from pipeline.release.steps import SEEN, steps
from pipeline.response_times import CLASSES, NONE, RANGES, range_of
from pipeline.rows import HOUR, MINUTE
from tests.unit.release.test_steps import START, Row, Step, frame, rows_of, told

Range = tuple[int, int, int, str, int, int]
"""Category, start, minutes, name, hits, visitors."""


def ranges(rows: Iterable[Row], k: int) -> list[Range]:
    found = frame(rows)
    return times(found, pl.DataFrame(schema=SEEN), steps(found, k), k).rows()


def plain(rows: list[Row], k: int) -> list[Range]:
    """The same, step by step in plain Python."""
    found: list[Range] = []
    for step in told(rows, k):
        category, start, spans = step[:3]
        end = start + spans * MINUTE
        mine = [row for row in rows if row[0] == category]
        inside = [row for row in mine if start <= row[1] < end]
        reserve = reserved(mine, end, k)
        groups = parted(inside, reserve, k)
        for name, paces in groups:
            of = [row for row in inside if row[5] in paces]
            visitors = {row[2] for row in of}
            found.append((category, start, spans, name, sum(r[3] for r in of), len(visitors)))
    return sorted(found, key=lambda one: (*one[:2], one[3]))


def reserved(mine: list[Row], end: int, k: int) -> list[Row]:
    """Rows of those who come after a step for the first time, until there are k of them."""
    if k == 1:
        return []
    known, came, upto = {row[2] for row in mine if row[1] < end}, set[int](), end
    while len(came) < k:
        came |= {row[2] for row in mine if row[1] == upto} - known
        upto += MINUTE
    firsts: dict[int, int] = {}
    for row in sorted(mine, key=lambda row: row[1]):
        firsts.setdefault(row[2], row[1])
    opening = {firsts[visitor] for visitor in came}
    return [row for row in mine if row[2] in came and row[1] < upto and row[1] in opening]


def parted(inside: list[Row], reserve: list[Row], k: int) -> list[tuple[str, set[int]]]:
    def enough(paces: set[int]) -> bool:
        some = [{row[2] for row in of if row[5] in paces} for of in (inside, reserve)]
        return len(some[0]) >= k and (k == 1 or len(some[1]) >= k)

    present = {row[5] for row in inside}
    unsaid = {UNSAID} & present
    groups: list[list[int]] = []
    held: list[int] = []
    for pace in sorted(present - unsaid, reverse=True):
        held.append(pace)
        if enough({*held}):
            groups.append(held)
            held = []
    if (present - unsaid and not groups) or (unsaid and not enough(unsaid)):
        return []
    if groups:
        groups[-1] += held
    named, above = [(NONE, unsaid)] * len(unsaid), len(CLASSES)
    for group in groups:
        high = group[0] if len(group) == 1 else above - 1
        above = group[-1] if len(group) == 1 or group is not groups[-1] else 0
        named.append((range_of(above, high), {*group}))
    return named


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 5))
def test_ranges_are_those_that_a_plain_count_finds(seed: int, k: int) -> None:
    rows = rows_of(seed)
    assert ranges(rows, k) == plain(rows, k)


def test_there_are_ranges_to_look_at() -> None:
    found = [one for seed in range(30) for one in ranges(rows_of(seed), 2)]
    assert len({name for *_, name, _, _ in found}) > 4
    assert len(found) > 60


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 5))
def test_ranges_add_up_to_their_step_and_have_k_visitors(seed: int, k: int) -> None:
    rows = rows_of(seed)
    of: dict[tuple[int, int], list[Range]] = defaultdict(list)
    for one in ranges(rows, k):
        of[one[:2]].append(one)
        assert one[5] >= k
        assert one[3] in {*RANGES, NONE}
    hits: dict[tuple[int, int], int] = {step[:2]: step[3] for step in told(rows, k)}
    added = {place: sum(one[4] for one in some) for place, some in of.items()}
    assert added.items() <= hits.items()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 5), stop=st.integers(0, 120))
def test_what_was_told_stays_told_as_minutes_pass(seed: int, k: int, stop: int) -> None:
    rows = rows_of(seed)
    early = [row for row in rows if row[1] < START + stop * MINUTE]
    steps_then: list[Step] = told(early, k)
    then, now = ranges(early, k), ranges(rows, k)
    places = {step[:2] for step in steps_then}
    assert then == [one for one in now if one[:2] in places]


def test_the_ends_of_a_range_of_several_classes_say_of_nobody_that_he_is_there() -> None:
    """One visitor waited for ten seconds: that somebody did is not to be seen."""
    draw = random.Random(3)
    rows = [
        (0, START + minute * MINUTE, 100 * minute + visitor, 1, 1, draw.choice([2, 3]))
        for minute in range(6)
        for visitor in range(40)
    ]
    slow = (0, START, 7, 1, 1, 11)
    assert {one[3] for one in ranges(rows, 5)} == {CLASSES[2], CLASSES[3]}
    first = {one[3] for one in ranges([*rows, slow], 5) if one[1] == START}
    assert first == {CLASSES[2], range_of(3, 11)}
    assert START % HOUR == 0
