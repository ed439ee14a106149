"""Goals follow from pages, and came_from from the referrer's kind: neither betrays the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import policy
from pipeline.release.crossings import Crossings
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
        when: tuple[object, ...] = (
            row["site"], row["visitor"], row["hour"], row["second"], page,
        )  # fmt: skip
        merged.setdefault(when if segment == "view" else (len(merged),), made)
    return list(merged.values())


def attacked(
    seed: int,
    k: int,
    sites: int,
    rules: Rules | None = None,
    crossings: Crossings = CROSSINGS,
) -> list[Finding]:
    rows = with_goals(seed, sites)
    steps = arrivals(seed, rows, LATENESS, HOLD)
    return attack(rows, steps, k, LATENESS, HOLD, rules, crossings)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
def test_no_difference_betrays_anyone_on_a_site_with_goals(seed: int, k: int) -> None:
    assert attacked(seed, k, 10) == []


def test_without_nesting_a_goal_betrays_its_pages() -> None:
    found = attacked(1, 3, 8, Rules(nesting=False), {})
    assert any("('page', 'signup')" in one.what for one in found)
    assert attacked(1, 3, 8, crossings={}) == []


def test_moves_of_pages_whose_roles_are_told_within_goals_betray_nobody() -> None:
    crossings = {"view": {**CROSSINGS["view"], "goal": ["role"]}}
    assert [attacked(seed, 3, 6, crossings=crossings) for seed in (8, 14, 25)] == [[]] * 3


BOTH = {
    "view": {"goal": ("referrer_kind",), "page": ("referrer_kind",)},
    "failed": {"page": ("referrer_kind",), "came_from": ("page",)},
}
"""Leaves and their parents crossed with the same, and nothing that triangles would hide."""


@pytest.mark.parametrize(("leaf", "likely"), [("less came_from", 4), ("less page", 0)])
def test_pairs_of_leaves_are_within_those_of_their_parents(leaf: str, likely: int) -> None:
    """The seed at which a hole was seen is tried first, which saves those without any."""
    for seed in (likely, *range(40)):
        if any(leaf in one.what for one in attacked(seed, 2, 10, Rules(leaves=False), BOTH)):
            assert attacked(seed, 2, 10, crossings=BOTH) == []
            return
    pytest.fail("no site has a hole where the rule is off")
