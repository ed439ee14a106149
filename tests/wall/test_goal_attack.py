"""Goals follow from pages, and came_from from the referrer's kind: neither betrays the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import policy
from pipeline.release.rules import Rules
from tests.unit.release.sites import Row, arrivals, small_sites
from tests.wall.release_attacker import Finding, attack

LATENESS, HOLD = 600, 20 * 3600
CROSSINGS = policy.load().current.crossings
GOALS = {"view": {"0": "signup", "1": "signup", "2": "buy"}, "request": {"1": "brochure"}}
"""Segment → how a page's name ends → the goal it reaches; all others reach none."""


def with_goals(seed: int, sites: int) -> list[Row]:
    """Small sites whose goals follow from page and segment, and whose failures came from pages."""
    rows = small_sites(seed, sites)
    merged: dict[tuple[object, ...], Row] = {}
    for row in rows:
        page = f"/{row['page'][-1]}"
        segment = row["segment"]
        goal = GOALS.get(segment, {}).get(page[1:], "(none)")
        came = row["came_from"] if segment == "failed" else "(none)"
        made = {**row, "page": page, "goal": goal, "came_from": came}
        key = tuple(value for name, value in made.items() if name not in {"hits", "bytes"})
        merged.setdefault(key, made)
    return list(merged.values())


def attacked(
    seed: int,
    k: int,
    sites: int,
    rules: Rules | None = None,
    crossings: policy.Crossings = CROSSINGS,
) -> list[Finding]:
    rows = with_goals(seed, sites)
    steps = arrivals(seed, rows, LATENESS, HOLD)
    found = attack(rows, steps, k, LATENESS, HOLD, rules, crossings)
    return [one for one in found if "next_page" not in one.what and "moves" not in one.what]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
def test_no_difference_betrays_anyone_on_a_site_with_goals(seed: int, k: int) -> None:
    assert attacked(seed, k, 6) == []


@pytest.mark.parametrize("rule", ["nesting", "levels", "leaves"])
def test_the_attacker_finds_what_a_goal_tells_of_its_pages_without_a_rule(rule: str) -> None:
    off = Rules(**{rule: False})
    assert any(
        "goal" in finding.what or "page" in finding.what
        for seed in range(20)
        for finding in attacked(seed, 3, 12, off)
    )
