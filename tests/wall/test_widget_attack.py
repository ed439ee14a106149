"""What is told of a widget's pages and events together betrays nobody, goals beside them or not.

Goals are crossed with what events are crossed with, and a page reaches a goal: so page x event is
one side of a triangle whose others are told of all pages of a goal, never of one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import polars as pl
import pytest

from pipeline import policy
from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.rows import CELLS, HOUR
from tests.unit.release.sites import START, Row, Step, arrivals, small_sites
from tests.wall.release_attacker import attack

LATENESS, HOLD = 600, 20 * 3600
CROSSINGS = policy.load().current.crossings
FUNNEL = ("loaded", "opened", "chat_started", "error")


def an_event() -> Row:
    """A row of a widget, whose values a test overwrites."""
    usual = next(row for row in small_sites(1, 8) if row["segment"] == "request")
    return usual | {"second": 0, "detail": "(none)", "came_from": "(none)"}


def widgets(seed: int, goals: Mapping[str, str]) -> list[Row]:
    """Events of three small sites: most visitors load the widget, some open it, few start a chat.

    ``goals``: page → the goal that it reaches.
    """
    rng = random.Random(seed)
    usual = an_event()
    found: dict[tuple[object, ...], Row] = {}
    for site in range(3):
        pages, kinds, places = rng.randint(2, 4), rng.randint(1, 3), rng.randint(1, 3)
        for visitor in range(rng.randint(10, 60)):
            kind = f"kind {int(rng.paretovariate(1.2)) % kinds}"
            country = f"country {int(rng.paretovariate(1.2)) % places}"
            for _ in range(rng.randint(1, 4)):
                page = f"/{int(rng.paretovariate(1.0)) % pages}"
                hour = START + HOUR * rng.randrange(4)
                for event in FUNNEL[: rng.choice((1, 1, 2, 3, 4))]:
                    made = {
                        "site": f"site {site}", "hour": hour, "visitor": visitor, "page": page,
                        "event": event, "goal": goals.get(page, "(none)"), "referrer_kind": kind,
                        "referrer": f"{kind} site", "country": country, "place": f"{country} city",
                        "locale": country,
                    }  # fmt: skip
                    found[tuple(made.values())] = usual | made | {"hits": rng.randint(1, 2)}
    return list(found.values())


@pytest.mark.parametrize("goals", [{}, {"/0": "help"}, {"/0": "help", "/2": "help", "/1": "buy"}])
def test_no_page_by_event_betrays_anyone(goals: Mapping[str, str]) -> None:
    for seed in range(8):
        rows = widgets(seed, goals)
        steps = arrivals(seed, rows, LATENESS, HOLD)
        assert attack(rows, steps, 2 + seed % 4, LATENESS, HOLD, None, CROSSINGS) == []


def one_chat_of_a_goal(k: int) -> list[Row]:
    """Two pages reach a goal; on one of them somebody chats, who came by search.

    All others of that goal who came by search chat too, and all who chat elsewhere came by it: so
    what the goal, the event and the kind have of each other leaves nothing but that one.
    """
    usual = an_event() | {"hits": 1}
    found: list[Row] = []
    for page, event, kind, people in (
        ("/h1", "chat", "search", 3 * k), ("/h1", "chat", "direct", 3 * k),
        ("/h1", "loaded", "direct", 3 * k), ("/h2", "chat", "search", 1),
        ("/h2", "loaded", "direct", 4 * k), ("/s", "chat", "search", 2 * k),
        ("/s", "loaded", "direct", k), ("/t", "loaded", "search", 20 * k),
        ("/t", "loaded", "direct", 20 * k),
    ):  # fmt: skip
        for _ in range(people):
            country = "AB"[len(found) % 2]
            found.append(
                usual | {
                    "site": "site", "hour": START + HOUR, "visitor": len(found), "page": page,
                    "event": event, "goal": "help" if page in {"/h1", "/h2"} else "(none)",
                    "referrer_kind": kind, "referrer": f"{kind} site", "country": country,
                    "place": f"{country} city", "locale": country,
                }
            )  # fmt: skip
    return found


@pytest.mark.parametrize("k", [2, 5, 10])
def test_what_a_page_tells_does_not_betray_the_other_pages_of_its_goal(k: int) -> None:
    rows = one_chat_of_a_goal(k)
    steps: list[Step] = [(list(range(len(rows))), None, True)]
    found = attack(rows, steps, k, LATENESS, HOLD, Rules(triangles=False), CROSSINGS)
    assert any("of goal help, event chat, referrer_kind search: 1" in one.what for one in found)
    assert attack(rows, steps, k, LATENESS, HOLD, None, CROSSINGS) == []


def test_pages_that_lead_to_a_chat_are_told_where_enough_people_ask() -> None:
    """Goals hide nothing of a site that has none; and there is something to attack."""
    told = 0
    for seed in range(8):
        ledger = Ledger(3, LATENESS, HOLD, crossings=CROSSINGS)
        rows = pl.DataFrame(widgets(seed, {}), schema=CELLS)
        pairs = ledger.apply(rows, None, end=True).tables["pair_daily"]
        told += pairs.filter(
            pl.col("dimension").is_in(["page", "event"]),
            pl.col("across").is_in(["page", "event"]),
            (pl.col("across_value") == "chat_started") | (pl.col("value") == "chat_started"),
        ).height
    assert told > 0
