"""A simulated day is counted whole, and what is lost lies between nothing and everything."""

from __future__ import annotations

import pytest

from pipeline import policy
from pipeline.bench import loss, simulated_day
from pipeline.rows import CELLS


@pytest.fixture(scope="module")
def measured() -> loss.Loss:
    crossings = {"view": {"page": ("role", "next_page")}}
    return loss.measure(60, 4, 8, crossings, ["as it is", "threshold alone (unsafe)"], 7)


def test_all_hits_of_a_day_are_counted(measured: loss.Loss) -> None:
    frames = list(simulated_day.hours(60, 7))
    assert len(frames) == 24
    assert all(frame.schema == CELLS for frame in frames)
    assert measured.hits == sum(frame["hits"].sum() for frame in frames)


def test_shares_are_shares(measured: loss.Loss) -> None:
    assert 0 <= measured.withheld < 1
    assert all(0 <= one.share <= 1 for one in measured.shares)
    assert {one.table for one in measured.shares} == {"hours", "days", "pairs"}


def test_hiding_what_would_betray_people_costs_something(measured: loss.Loss) -> None:
    """Without the rules that hide remainders more is told: else the figures measure nothing."""
    lost = {
        way: sum(one.share for one in measured.shares if one.way == way and one.table == "hours")
        for way in ("as it is", "threshold alone (unsafe)")
    }
    assert lost["threshold alone (unsafe)"] < lost["as it is"]


def test_the_packaged_crossings_can_be_measured() -> None:
    found = loss.measure(30, 2, 2, policy.load(None).current.crossings, list(loss.WAYS)[:1], 1)
    assert any(one.name == "page x role" for one in found.shares)
