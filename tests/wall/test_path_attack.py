"""Paths of visits betray nobody: not beside pages, roles, moves, hours, nor each other."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.release.rules import Rules
from pipeline.rows import HOUR
from tests.unit.release.sites import START, Row, arrivals, small_site
from tests.wall.release_attacker import Finding, attack

LATENESS, HOLD = 600, 20 * 3600
CROSSINGS = {"view": {"page": ("role", "next_page", "click_path", "referrer_kind")}}


def walked(seed: int, sites: int) -> list[Row]:
    """Sites of few pages, on which most people take one of a few ways."""
    rng = random.Random(seed)
    found: dict[tuple[object, ...], Row] = {}
    for at in range(sites):
        like = small_site(rng, f"site {at:02}")[0]
        pages = [f"/{letter}" for letter in "abcde"[: rng.randint(2, 5)]]
        ways = [rng.choices(pages, k=rng.randint(1, 7)) for _ in range(rng.randint(1, 4))]
        hours = [START + hour * HOUR for hour in sorted(rng.sample(range(8), rng.randint(1, 3)))]
        stray = rng.choice([0.05, 0.2, 0.5])
        for visitor in range(rng.randint(5, 40)):
            time = rng.choice(hours) + rng.randrange(HOUR)
            way = rng.choice(ways)
            if rng.random() < stray:
                way = rng.choices(pages, k=rng.randint(1, 7))
            for page in way:
                row = {
                    **like, "segment": "view", "visitor": visitor, "page": page, "goal": "(none)",
                    "campaign": "(none)", "hour": time // HOUR * HOUR, "second": time % HOUR,
                    "hits": 1,
                }  # fmt: skip
                found.setdefault((at, visitor, time, page), row)
                time += rng.choice((1, 60, 600, 1200))
    return list(found.values())


def attacked(seed: int, k: int, sites: int, rules: Rules | None = None) -> list[Finding]:
    rows = walked(seed, sites)
    return attack(rows, arrivals(seed, rows, LATENESS, HOLD), k, LATENESS, HOLD, rules, CROSSINGS)


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
def test_no_path_betrays_anyone(seed: int, k: int) -> None:
    assert attacked(seed, k, 15) == []


def test_the_attacker_finds_the_hole_that_paths_without_their_rule_leave() -> None:
    found = [one for seed in range(6) for one in attacked(seed, 3, 6, Rules(paths=False))]
    for what in ("less paths", "less first views", "slot less paths"):
        assert any(what in one.what for one in found)
