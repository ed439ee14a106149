"""Roles of a page's views and of a channel's betray nobody beside pages by channel (promise 2).

The roles themselves are told whatever pages by channel say, so it is these that must give way: also
of what nobody did, and of two roles together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline import policy
from pipeline.events import DIMENSIONS
from pipeline.release.rules import Rules
from pipeline.rows import HOUR
from tests.unit.release.sites import START
from tests.wall import pairs_and_triples
from tests.wall.release_attacker import Step, attack

LATENESS, HOLD = 600, 12 * HOUR
CROSSINGS = policy.load().current.crossings
Visits = list[tuple[str, tuple[str, ...], int]]
"""Channel, the pages of a visit, and how many visitors came so."""


def rows_of(visits: Visits) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    visitor = 0
    for channel, pages, count in visits:
        for _ in range(count):
            visitor += 1
            for second, page in enumerate(pages):
                same = dict.fromkeys(DIMENSIONS, "same")
                told = {"page": page, "referrer_kind": channel, "referrer": channel}
                rows.append(
                    {
                        **same,
                        **told,
                        "site": "s",
                        "hour": START,
                        "segment": "view",
                        "visitor": visitor,
                        "second": second,
                        "hits": 1,
                        "bytes": 1,
                    }
                )
    return rows


def nobody_in_a_cell(k: int) -> list[dict[str, Any]]:
    """All bounces less those of /a and those from search: one, since nobody went from it to /a."""
    some = [("/a", "direct"), ("/a", "social"), ("/b", "search"), ("/c", "search")]
    visits: Visits = [(channel, (page,), k) for page, channel in some]
    visits += [(channel, (page, page), 3 * k) for page, channel in some]
    others = [("/b", "direct"), ("/b", "social"), ("/c", "direct"), ("/c", "social")]
    visits += [(channel, (page, page), k) for page, channel in others]
    return rows_of([*visits, ("direct", ("/b",), 1)])


def all_of_one_cell_ended(k: int) -> list[dict[str, Any]]:
    """Views that ended a visit, neither of /a nor from search: one; all of /a from search did."""
    visits: Visits = [("search", pages, 2 * k) for pages in (("/a",), ("/b", "/a"), ("/c", "/a"))]
    visits += [("search", pages, k) for pages in (("/b",), ("/c",), ("/c", "/b"), ("/b", "/c"))]
    for channel in ("direct", "social"):
        ways = (("/a", "/a"), ("/b", "/a"), ("/c", "/a"), ("/a",))
        visits += [(channel, pages, 2 * k) for pages in ways]
    visits += [("direct", ("/b", "/c", "/a"), k), ("social", ("/c", "/b", "/a"), k)]
    return rows_of([*visits, ("direct", ("/b",), 1)])


def all_but_one_began(k: int) -> list[dict[str, Any]]:
    """Of /a from search all views but one began a visit; all else that began has one of the two."""
    visits: Visits = [("search", pages, 2 * k) for pages in (("/a",), ("/a", "/b"), ("/a", "/c"))]
    visits += [("search", pages, 2 * k) for pages in (("/b",), ("/c",), ("/c", "/b"), ("/b", "/c"))]
    for channel in ("direct", "social"):
        ways = (("/a", "/b", "/c"), ("/a", "/c", "/b"), ("/a", "/a", "/b"), ("/a",))
        visits += [(channel, pages, 2 * k) for pages in ways]
    return rows_of([*visits, ("search", ("/b", "/a", "/b"), 1)])


def two_pages_together(k: int) -> list[dict[str, Any]]:
    """Bounces neither of /a nor of /b nor from search: one."""
    one = (("/a",), ("/b",))
    visits: Visits = [(of, pages, k) for of in ("search", "direct", "social") for pages in one]
    ways = (("/c",), ("/d",), ("/c", "/d"), ("/d", "/c"))
    visits += [("search", pages, k) for pages in ways]
    for channel in ("direct", "social"):
        visits += [(channel, pages, 2 * k) for pages in (("/c", "/d"), ("/d", "/c"))]
        visits += [(channel, pages, k) for pages in (("/a", "/b"), ("/b", "/a"))]
    return rows_of([*visits, ("direct", ("/c",), 1)])


@pytest.mark.parametrize("k", [3, 10])
@pytest.mark.parametrize(
    "site",
    [
        nobody_in_a_cell,
        all_of_one_cell_ended,
        all_but_one_began,
        two_pages_together,
    ],
)
def test_roles_of_pages_and_of_channels_betray_nobody_together(
    site: Callable[[int], list[dict[str, Any]]], k: int
) -> None:
    rows = site(k)
    steps: list[Step] = [(list(range(len(rows))), None, False), ([], None, True)]
    assert attack(rows, steps, k, LATENESS, HOLD, None, CROSSINGS) == []
    assert attack(rows, steps, k, LATENESS, HOLD, Rules(triangles=False), CROSSINGS)


@pytest.mark.parametrize("site", [nobody_in_a_cell, all_of_one_cell_ended, all_but_one_began])
def test_the_command_finds_them_too_where_the_rule_is_off(
    site: Callable[[int], list[dict[str, Any]]],
) -> None:
    k, rows = 3, site(3)
    steps: list[Step] = [(list(range(len(rows))), None, False), ([], None, True)]
    given = rows, steps, k, LATENESS, HOLD
    assert pairs_and_triples.attack(*given).findings == []
    found = pairs_and_triples.attack(*given, Rules(triangles=False)).findings
    assert any("three tables of pairs" in one for one in found)
