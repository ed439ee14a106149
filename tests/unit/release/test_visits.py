"""Visits, roles and moves are those of a slow count, however the lines came (k = 1)."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import policy
from pipeline.errors import SettingsError
from pipeline.release.crossings import check
from pipeline.release.ledger import Ledger
from pipeline.rows import CELLS, DAY, HOUR
from tests.unit.release.sites import Row, small_sites

CROSSINGS = policy.load().current.crossings
GAP = 30 * 60
CLASSES = ((10, "0-10 s"), (30, "11-30 s"), (60, "31-60 s"), (180, "1-3 min"), (600, "3-10 min"))


def released(rows: list[Row], batches: int, k: int = 1) -> list[dict[str, Any]]:
    ledger = Ledger(k, 600, DAY, crossings=CROSSINGS)
    parts = [pl.DataFrame(rows[at::batches], schema=CELLS) for at in range(batches)]
    found = [ledger.apply(part, None) for part in parts]
    found.append(ledger.apply(pl.DataFrame(schema=CELLS), None, end=True))
    return [cell for said in found for cell in said.tables["pair_daily"].to_dicts()]


def visits(rows: list[Row]) -> list[list[Row]]:
    """Each visit's views in order, worked out one view after another."""
    people: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        if row["segment"] == "view":
            people[row["site"], row["visitor"], row["hour"] // DAY] += [row] * row["hits"]
    found: list[list[Row]] = []
    for views in people.values():
        views.sort(key=lambda row: (row["hour"], row["second"], row["page"]))
        last, campaign = -GAP * 2, "(none)"
        for row in views:
            now, came = row["hour"] + row["second"], row["campaign"]
            if now - last > GAP or came not in {"(none)", campaign}:
                found.append([])
            found[-1].append(row)
            last, campaign = now, campaign if came == "(none)" else came
    return found


def slow(rows: list[Row], dimension: str, across: str) -> dict[object, tuple[int, int, int]]:
    """Return (site, day, value, across value) → hits, visitors, seconds."""
    sums: dict[object, list[int]] = defaultdict(lambda: [0, 0])
    people: dict[object, set[object]] = defaultdict(set)
    for visit in visits(rows):
        first, last = visit[0], visit[-1]
        lasted = last["hour"] + last["second"] - first["hour"] - first["second"]
        for at, row in enumerate(visit):
            if len(visit) == 1:
                role = "bounce"
            else:
                role = {0: "entry", len(visit) - 1: "exit"}.get(at, "between")
            told = {
                "role": role,
                "next_page": visit[at + 1]["page"] if at + 1 < len(visit) else None,
                "visit_length": called(lasted) if role == "entry" else None,
            }[across]
            if told is None:
                continue
            value = "view" if dimension == "segment" else row[dimension]
            key = row["site"], row["hour"] // DAY * DAY, value, told
            sums[key][0] += 1
            sums[key][1] += lasted if role == "entry" and across != "next_page" else 0
            people[key].add(row["visitor"])
    return {key: (hits, len(people[key]), seconds) for key, (hits, seconds) in sums.items()}


def slow_paths(rows: list[Row]) -> dict[object, tuple[int, int]]:
    """Return (site, day, first page, the way) → visits, visitors."""
    people: dict[object, list[object]] = defaultdict(list)
    for visit in visits(rows):
        pages = [row["page"] for row in visit[:5]] + ["…"] * (len(visit) > 5)
        first = visit[0]
        key = first["site"], first["hour"] // DAY * DAY, pages[0], " > ".join(pages)
        people[key].append(first["visitor"])
    return {key: (len(those), len(set(those))) for key, those in people.items()}


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6))
def test_paths_are_as_counted_one_by_one(seed: int) -> None:
    rows = busy(seed)
    got = {
        (c["site"], c["window_start"], c["value"], c["across_value"]): (c["hits"], c["visitors"])
        for c in released(rows, 3)
        if c["across"] == "click_path"
    }
    assert got == slow_paths(rows)


def called(seconds: int) -> str:
    more = "10-30 min" if seconds <= GAP else "30+ min"
    return next((name for most, name in CLASSES if seconds <= most), more)


@pytest.mark.parametrize("batches", [1, 5])
@settings(max_examples=6)
@given(seed=st.integers(0, 10**6))
def test_what_views_were_to_their_visits_is_as_counted_one_by_one(seed: int, batches: int) -> None:
    rows = busy(seed)
    cells = released(rows, batches)
    for dimension, across in (
        ("segment", "role"), ("segment", "visit_length"), ("page", "role"),
        ("referrer", "role"), ("country", "role"), ("page", "next_page"),
    ):  # fmt: skip
        got = {
            (c["site"], c["window_start"], c["value"], c["across_value"]):
            (c["hits"], c["visitors"], c["seconds"])
            for c in cells
            if (c["dimension"], c["across"]) == (dimension, across)
        }  # fmt: skip
        assert got == slow(rows, dimension, across)


def busy(seed: int) -> list[Row]:
    """Small sites with views at any second: of several pages, or of one page several times."""
    rng = random.Random(seed)
    found: dict[tuple[object, ...], Row] = {}
    for row in small_sites(seed, 3):
        hour = row["hour"] // DAY * DAY + rng.randrange(5) * HOUR
        second = rng.choice((0, 5, 1799, 1800, 3599)) if row["segment"] == "view" else 0
        made = {**row, "hour": hour, "second": second}
        found[made["site"], made["visitor"], hour, second, made["segment"], made["page"]] = made
    return list(found.values())


@pytest.mark.parametrize("k", [2, 4])
def test_what_is_shown_and_other_are_all_views_of_a_value(k: int) -> None:
    rows = small_sites(11, 20)
    ledger = Ledger(k, 600, DAY, crossings=CROSSINGS)
    said = ledger.apply(pl.DataFrame(rows, schema=CELLS), None, end=True).tables
    alone = said["segment_breakdown_daily"].filter(pl.col("revision") == 1)
    pairs = said["pair_daily"].filter(pl.col("across").is_in(["role", "referrer_kind", "status"]))
    whole = ["site", "window_start", "segment", "dimension", "value"]
    sums = (
        pairs.filter(pl.col("dimension") != "segment")
        .group_by(*whole, "across")
        .agg(pl.col("hits").sum())
    )
    assert sums.height
    both = sums.join(alone, on=whole, suffix="_alone")
    assert both.height == sums.height
    assert both["hits"].equals(both["hits_alone"].rename("hits"))
    assert said["pair_daily"]["visitors"].min() >= k  # type: ignore[operator]


@pytest.mark.parametrize(
    "crossings",
    [
        {"view": {"page": ["agent"]}},
        {"view": {"page": ["page"]}},
        {"bot": {"page": ["role"]}},
        {"view": {"country": ["next_page"]}},
        {"view": {"segment": ["role"]}},
        {"view": {"page": ["role", "click_path"]}},
    ],
)
def test_a_pair_that_there_is_not_is_refused(crossings: dict[str, dict[str, list[str]]]) -> None:
    with pytest.raises(SettingsError, match="policy: crossings: "):
        check(crossings)
