"""No step of minutes betrays anybody, set against its hour, its day or other steps."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import DIMENSIONS
from pipeline.release.rules import Rules
from pipeline.response_times import CLASSES, NONE
from pipeline.rows import HOUR, MINUTE
from tests.unit.release.sites import START, arrivals
from tests.wall.release_attacker import Finding
from tests.wall.step_attacker import Row, attack

LATENESS, HOLD = 600, 12 * HOUR
STATUSES = {
    "view": ["200", "200", "200", "206", "304"],
    "request": ["200", "301", "304"],
    "failed": ["404", "404", "403", "500", "503"],
    "bot": ["200", "404"],
}
TIMES = [
    [CLASSES[3], CLASSES[3], CLASSES[4], CLASSES[8]],
    [CLASSES[0], CLASSES[1], CLASSES[1], CLASSES[11]],
    [CLASSES[2], CLASSES[2], CLASSES[5], NONE],
]


def sites(seed: int, count: int) -> list[Row]:
    """Rows of some sites in one hour or two, more than a step's of visitors in some minutes."""
    draw = random.Random(seed)
    rows: list[Row] = []
    for number in range(count):
        people = draw.randint(4, 40)
        times = draw.choice([*TIMES, [NONE]])
        for _ in range(draw.randint(20, 160)):
            hour = START + draw.randrange(2) * HOUR
            visitor = draw.randrange(people)
            segment = (
                "bot" if visitor % 5 == 0 else draw.choice(["view", "view", "failed", "request"])
            )
            row: Row = dict.fromkeys(DIMENSIONS, "same")
            row |= {
                "site": f"site {number}",
                "hour": hour,
                "segment": segment,
                "visitor": visitor,
                "second": 0,
                "minute": hour + draw.randrange(draw.choice([4, 60])) * MINUTE,
                "status": draw.choice(STATUSES[segment]),
                "response_time": draw.choice(times),
                "hits": 1,
                "bytes": 1,
            }
            rows.append(row)
    return rows


def tried(
    seed: int, k: int, rules: Rules | None = None, count: int = 6
) -> tuple[list[Finding], int]:
    rows = sites(seed, count)
    order = arrivals(seed, rows, LATENESS, HOLD)
    came = {at: number for number, (places, _, _) in enumerate(order) for at in places}
    draw = random.Random(seed)
    for at, row in enumerate(rows):
        first = next(n for n, (_, m, _) in enumerate(order) if m is None or m >= row["hour"] + HOUR)
        # Who is late for an hour is late for its minutes, and some are for these alone.
        row["in_time"] = came[at] == first and draw.random() < 0.9
    return attack(rows, order, k, LATENESS, HOLD, rules or Rules())


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
def test_no_difference_with_steps_betrays_anyone(seed: int, k: int) -> None:
    assert tried(seed, k)[0] == []


def test_the_attacker_has_steps_to_try() -> None:
    assert sum(tried(seed, 3)[1] for seed in range(3)) > 30


def test_the_attacker_finds_the_hole_that_a_missing_reserve_leaves() -> None:
    """Rows that only the hour has, of a visitor or two who came after the last step."""
    found = [one for seed in range(2) for one in tried(seed, 3, Rules(reserve=False))[0]]
    assert {one.what.endswith("visitors") for one in found} == {True, False}


def test_the_attacker_finds_the_hole_that_a_missing_reserve_of_ranges_leaves() -> None:
    """Of some class of response times only a visitor or two came after the last step."""
    found = [one for seed in range(4) for one in tried(seed, 2, Rules(paces=False))[0]]
    assert found
    assert all(one.what.endswith("ranges") for one in found)
