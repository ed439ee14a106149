"""A region or city is told where its floor of visitors came from, in whatever is ever released."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import UNKNOWN
from pipeline.release.crossings import Crossings
from pipeline.release.ledger import Ledger
from pipeline.rows import CELLS, DAY, HOUR, OTHER
from tests.unit.release.sites import START, Row, arrivals, small_sites
from tests.wall.release_attacker import attack

LATENESS, HOLD = 600, 12 * HOUR
CROSSINGS: Crossings = {
    "view": {"country": ("device",), "place": ("role", "device")},
    "failed": {"status": ("place",)},
}


def told(seed: int, k: int, floor: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the table and row of every place that is named, in every revision, late rows too."""
    rows = small_sites(seed, 25)
    ledger = Ledger(k, LATENESS, HOLD, place_floor=floor, crossings=CROSSINGS)
    for places, watermark, end in arrivals(seed, rows, LATENESS, HOLD):
        part = pl.DataFrame([rows[at] for at in places], schema=CELLS)
        for table, cells in ledger.apply(part, watermark, end=end).tables.items():
            for row in cells.to_dicts():
                if "place" in {row.get("dimension"), row.get("across")}:
                    yield table, row


def named(table: str, row: dict[str, Any]) -> bool:
    """Whether a row is of a place, and of a pair that is shown."""
    if table != "pair_daily":
        return row["value"] not in {OTHER, UNKNOWN}
    place = row["value"] if row["dimension"] == "place" else row["across_value"]
    return place not in {OTHER, UNKNOWN} and OTHER not in {row["value"], row["across_value"]}


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 4), more=st.integers(1, 9))
def test_no_place_of_fewer_visitors_than_its_floor_is_named(seed: int, k: int, more: int) -> None:
    for table, row in told(seed, k, k + more):
        assert row["visitors"] >= (k + more if named(table, row) else k), (table, row)


@pytest.mark.parametrize(("floor", "most"), [(2, 5), (6, 99)])
def test_there_are_places_below_the_floor_and_above_it(floor: int, most: int) -> None:
    """So the sites do exercise it, in hours, days and pairs; and something is left with it."""
    missing = {"segment_breakdown_hourly", "segment_breakdown_daily", "pair_daily"}
    for seed in range(12):
        missing -= {
            where
            for where, row in told(seed, 2, floor)
            if named(where, row) and row["visitors"] <= most
        }
        if not missing:
            return
    pytest.fail(f"no place was told in {missing}")


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 4), more=st.integers(0, 9))
def test_nothing_betrays_anyone_where_places_are_crossed_as_well(
    seed: int, k: int, more: int
) -> None:
    rows = small_sites(seed, 16)
    steps = arrivals(seed, rows, LATENESS, HOLD)
    assert attack(rows, steps, k, LATENESS, HOLD, None, CROSSINGS, k + more) == []


def visits(place: str, visitors: range, hour: int = 0) -> list[Row]:
    """A view of each visitor from a place of one country, all else the same."""
    same = {name: "same" for name, kind in CELLS.items() if kind == pl.String()}
    return [
        {**same, "site": "s", "hour": START + hour * HOUR, "segment": "view", "visitor": visitor,
         "second": 0, "place": place, "hits": 1, "bytes": 1}
        for visitor in visitors
    ]  # fmt: skip


def days_of(rows: list[Row], k: int, floor: int) -> dict[str, int]:
    ledger = Ledger(k, LATENESS, HOLD, place_floor=floor)
    tables = ledger.apply(pl.DataFrame(rows, schema=CELLS), None, end=True).tables
    cells = tables["segment_breakdown_daily"].filter(dimension="place")
    return dict(cells.select("value", "visitors").iter_rows())


def test_hours_that_are_too_small_for_a_place_add_up_to_a_day_that_is_not() -> None:
    rows = [*visits("DE-BE", range(5)), *visits("DE-BE", range(5, 10), 1)]
    rows += [*visits("DE-BY", range(10, 14)), *visits("DE-BY", range(14, 18), 1)]
    assert days_of(rows, 3, 10) == {"DE-BE": 10, OTHER: 8}
    assert days_of(rows, 3, 3) == {"DE-BE": 10, "DE-BY": 8}


def test_where_nothing_is_known_no_floor_is_asked_for() -> None:
    """Else a small site without a database would pay for what it does not have."""
    assert days_of(visits(UNKNOWN, range(4)), 3, 50) == {UNKNOWN: 4}
    assert days_of(visits("DE-BE", range(4)), 3, 50) == {OTHER: 4}
    both = [*visits(UNKNOWN, range(4)), *visits("DE-BE", range(4, 8))]
    assert days_of(both, 3, 50) == {UNKNOWN: 4, OTHER: 4}


def test_a_place_that_has_its_floor_takes_late_rows_as_any_value_does() -> None:
    """Of k visitors: what is shown already has its floor."""
    ledger = Ledger(3, LATENESS, HOLD, place_floor=8)
    early = [*visits("DE-BE", range(8)), *visits("DE-BY", range(8, 12))]
    late = [*visits("DE-BE", range(12, 15)), *visits("DE-BY", range(15, 18))]
    close = START + HOUR + LATENESS
    ledger.apply(pl.DataFrame(early, schema=CELLS), close)
    tables = ledger.apply(pl.DataFrame(late, schema=CELLS), close + HOUR).tables
    cells = tables["segment_breakdown_hourly"].filter(dimension="place")
    assert dict(cells.select("value", "visitors").iter_rows()) == {"DE-BE": 11, OTHER: 7}
    assert START % DAY == 0
