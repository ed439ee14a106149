"""No difference of two or three published numbers, and no system of them, betrays anyone.

The attacker of ``pipeline.attack`` goes by what the tables say of each other alone; what somebody
adds who knows where the values occurred is tried in ``test_release_attack``. Of the rules that may
be switched off, each of FOUND leaves a hole that shows in the tables; the holes that the others
leave show to the attacker there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import DIMENSIONS
from pipeline.release.rules import Rules
from pipeline.rows import DAY, HOUR
from tests.unit.release.sites import START, arrivals, small_sites
from tests.wall.pairs_and_triples import Row, Step, Tried, attack

LATENESS, HOLD = 600, 12 * HOUR
FOUND: Final = ("pull", "growth", "late", "nesting", "combined", "rests", "pools")
CLOSED: Final = {
    # the views of a page less those that something followed
    "what followed a page": 7,
    # several values that were in one hour alone, all taken from what it said of another
    "what was in an hour alone": 1,
}
"""Holes that the attacker found in an earlier release, and a seed of sites that had each."""
MOST_BY_CHANCE: Final = 0.02


def _attack(seed: int, k: int, sites: int, rules: Rules | None = None) -> Tried:
    rows = small_sites(seed, sites)
    steps = arrivals(seed, rows, LATENESS, HOLD)
    return attack(rows, steps, k, LATENESS, HOLD, rules, editions=True)


def test_no_set_that_can_be_derived_betrays_anyone(
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    """At least 100,000 pairs and triples of random sites, and the sums that link their tables.

    Published sets that lie in another by chance are counted, not refused: no rule of the tables
    says that they do, so it takes knowledge from outside to set one against the other.
    """
    found = Tried()

    @settings(max_examples=6)
    @given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
    def one(seed: int, k: int) -> None:
        nonlocal found
        tried = _attack(seed, k, 16)
        assert tried.findings == []
        found += tried

    one()
    for kind, count in [*found.kinds.items(), ("nested by chance", found.chance)]:
        record_testsuite_property(f"attack: {kind}", count)
    assert found.kinds["pair"] + found.kinds["triple"] >= 100_000
    assert found.kinds["system"] >= 50_000
    assert 0 < found.chance < MOST_BY_CHANCE * found.kinds.total()


@pytest.mark.parametrize("rule", FOUND)
def test_a_missing_rule_leaves_a_hole_that_shows_in_the_tables(rule: str) -> None:
    off = Rules(**{rule: False})
    assert any(_attack(seed, 3, 10, off).findings for seed in range(8))


@pytest.mark.parametrize("hole", CLOSED)
def test_a_hole_that_was_found_stays_closed(hole: str) -> None:
    assert _attack(CLOSED[hole], 3, 10).findings == []


def test_hours_that_show_a_value_do_not_tell_where_the_day_has_more_of_it_from() -> None:
    """An hour that shows ``/a`` has folded nothing of it, so the day has it from two others.

    Those two folded 6 requests, 4 of them of ``/a`` as the day tells: 2 visitors are left.
    """
    seen: list[tuple[str, int, set[int]]] = [
        ("/a", 0, {1, 2, 3}), ("/b", 0, {4, 5, 6}),
        ("/b", 1, {4, 5, 6}), ("/a", 1, {1, 2}), ("/x", 1, {7}),
        ("/b", 2, {4, 5, 6}), ("/a", 2, {1, 3}), ("/y", 2, {8}),
        ("/a", 3, {1, 2, 3}), ("/b", 3, {4, 5}), ("/z", 3, {9}),
        ("/a", 4, {1, 2, 3}), ("/b", 4, {4, 6}), ("/u", 4, {10}),
    ]  # fmt: skip
    rows = [_view(page, hour, visitor) for page, hour, people in seen for visitor in people]
    close = START + DAY + LATENESS
    steps: list[Step] = [(list(range(len(rows))), close, False), ([], None, True)]
    assert attack(rows, steps, 3, LATENESS, HOLD).findings == []
    assert attack(rows, steps, 3, LATENESS, HOLD, editions=True).findings == []
    off = Rules(apart=False)
    assert attack(rows, steps, 3, LATENESS, HOLD, off, editions=True).findings


def _view(page: str, hour: int, visitor: int) -> Row:
    row: Row = {
        "site": "s",
        "hour": START + hour * HOUR,
        "segment": "view",
        "visitor": visitor,
        "second": 0,
        **dict.fromkeys(DIMENSIONS, "same"),
        "page": page,
    }
    return {**row, "hits": 1, "bytes": 1}
