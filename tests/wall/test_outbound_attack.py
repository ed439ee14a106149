"""Where links led follows from the event: neither betrays the other, nor the page beside them."""

from __future__ import annotations

import random

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
EVENTS = ("shown", "shown", "opened", "outbound", "outbound", "outbound")


def with_links(seed: int, sites: int) -> list[Row]:
    """Small sites of widgets: few events, of which only outbound has details, which are hosts."""
    rng = random.Random(seed)
    rows = [row for row in small_sites(seed, sites) if row["segment"] != "view"]
    for row in rows:
        event = rng.choice(EVENTS)
        host = f"outbound_{int(rng.paretovariate(1.2)) % 5}.example"
        row |= {
            "segment": "bot" if row["segment"] == "bot" else "request",
            "second": 0,
            "goal": "(none)",
            "came_from": "(none)",
            "page": f"/{row['page'][-1]}",
            "event": event,
            "detail": host if event == "outbound" else "(none)",
        }
    return rows


def attacked(
    seed: int, k: int, rules: Rules | None = None, crossings: Crossings = CROSSINGS
) -> list[Finding]:
    rows = with_links(seed, 6)
    steps = arrivals(seed, rows, LATENESS, HOLD)
    return attack(rows, steps, k, LATENESS, HOLD, rules, crossings)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
def test_no_difference_betrays_who_followed_a_link(seed: int, k: int) -> None:
    assert attacked(seed, k) == []


def test_without_nesting_an_event_betrays_where_its_links_led() -> None:
    for seed in range(40):
        found = attacked(seed, 3, Rules(nesting=False), {})
        if any("('detail', 'outbound')" in one.what for one in found):
            assert attacked(seed, 3, crossings={}) == []
            return
    pytest.fail("no site has a hole where the rule is off")
