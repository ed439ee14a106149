"""No difference of two or three published numbers, and no system of them, betrays anyone."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.release.rules import Rules
from pipeline.rows import HOUR
from tests.unit.release.sites import arrivals, small_sites
from tests.wall.pairs_and_triples import Tried, attack

LATENESS, HOLD = 600, 12 * HOUR


def _attack(
    seed: int, k: int, sites: int, rules: Rules | None = None, *, editions: bool = False
) -> Tried:
    rows = small_sites(seed, sites)
    steps = arrivals(seed, rows, LATENESS, HOLD)
    return attack(rows, steps, k, LATENESS, HOLD, rules, editions=editions)


def test_no_set_that_can_be_derived_betrays_anyone() -> None:
    """At least 100,000 pairs and triples of random sites, and the systems that link them."""
    all_of_it = Tried()

    @settings(max_examples=12)
    @given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
    def one(seed: int, k: int) -> None:
        nonlocal all_of_it
        tried = _attack(seed, k, 8)
        assert tried.findings == []
        all_of_it += tried

    one()
    assert all_of_it.kinds["pair"] + all_of_it.kinds["triple"] >= 100_000


@pytest.mark.parametrize("rule", [field.name for field in fields(Rules)])
def test_a_missing_rule_is_found(rule: str) -> None:
    off = Rules(**{rule: False})
    assert any(_attack(seed, 3, 20, off).findings for seed in range(30))
