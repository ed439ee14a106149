"""Of rows that wait the most join that may, and nobody waits for somebody else."""

from __future__ import annotations

from itertools import combinations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.release.gate import admitted
from pipeline.release.rules import Rules

VIEW, REQUEST, BOT = 0, 1, 2
Person = tuple[int, int]
"""Segment and visitor."""
_SCHEMA = {
    "whole": pl.UInt32, "window": pl.UInt32, "robot": pl.Boolean, "visitor": pl.UInt32,
    "base": pl.Boolean,
}  # fmt: skip


def joins(held: set[Person], waiting: set[Person], k: int) -> set[Person]:
    """Return who of those that wait joins; each has two rows."""
    people = [(person, base) for some, base in ((held, True), (waiting, False)) for person in some]
    rows = [(0, window, window == BOT, visitor, base) for (window, visitor), base in people] * 2
    frame = pl.DataFrame(rows, _SCHEMA, orient="row")
    joined = frame.filter(admitted(frame, k, Rules(), growth=True))
    assert not joined["base"].any()
    counts = list(joined.group_by("window", "visitor").len().iter_rows())
    assert all(rows == 2 for *_, rows in counts)
    return {(window, visitor) for window, visitor, _ in counts}


def of(segment: int, *visitors: int) -> set[Person]:
    return {(segment, visitor) for visitor in visitors}


def test_a_visitor_who_is_new_waits_alone() -> None:
    known = of(VIEW, *range(20))
    assert joins(known, known | of(VIEW, 99), 10) == known


def test_the_new_of_several_segments_count_together() -> None:
    held, requests, views = of(VIEW, 1, 2, 3), of(REQUEST, 1, 2, 4), of(VIEW, 4, 5, 6)
    assert joins(held, requests, 3) == set()
    assert joins(held, requests | views, 3) == requests | views


def test_people_do_not_stand_for_bots() -> None:
    waiting = of(BOT, 1, 2, 3) | of(VIEW, 4, 5)
    assert joins(of(BOT, 1, 2), waiting, 2) == waiting - of(BOT, 3)


people = st.tuples(st.integers(0, 2), st.integers(0, 4))


@given(st.sets(people, max_size=6), st.sets(people, max_size=8), st.integers(1, 4))
def test_who_joins_is_the_largest_set_that_may(
    held: set[Person], waiting: set[Person], k: int
) -> None:
    """All sets are tried: the largest one that may join holds each of the others."""
    found = joins(held, waiting, k)
    for size in range(len(waiting) + 1):
        for some in combinations(sorted(waiting), size):
            if may_join(held, set(some), k):
                assert set(some) <= found
    assert may_join(held, found, k)


def may_join(held: set[Person], more: set[Person], k: int) -> bool:
    """Each segment gains nobody or k, and k or nobody who is new to it, or to its audience."""
    gains = []
    for segments in ({VIEW}, {REQUEST}, {BOT}, {VIEW, REQUEST}):
        before, added = (
            {visitor for segment, visitor in some if segment in segments} for some in (held, more)
        )
        gains += [len(added), len(added - before)]
    return all(gain == 0 or gain >= k for gain in gains)
