"""A visitor is told apart by the day of the site's own clock, and so is a day whose key is gone."""

from __future__ import annotations

import datetime as dt

import polars as pl

from pipeline import events, policy
from pipeline.restricted import Crossing, open_reader, open_splitter
from pipeline.settings import Split
from pipeline.zones import Zones
from tests.support import door
from tests.support.door import a_key

ZONES = Zones.named("UTC", {"tokyo": "Asia/Tokyo"})
NOW = dt.datetime(2026, 11, 29, 20, tzinfo=dt.UTC)
BEFORE, AFTER = "29/Nov/2026:14:59:59 +0000", "29/Nov/2026:15:00:00 +0000"
"""A second before midnight in Tokyo, and midnight."""
DAY = int(NOW.timestamp()) // 86_400


def carried(site: str, gone: frozenset[int] = frozenset()) -> tuple[set[int], Crossing]:
    """The days whose keys are asked for, and what crosses: one visitor before and after."""
    lines = [f'192.0.2.1 - - [{at}] "GET / HTTP/1.1" 200 9 "-" "x"' for at in (BEFORE, AFTER)]
    batch = door.messages(["\n".join(lines).encode()], [[("site", site.encode())]])
    splitter = open_splitter(Split(), policy.load(), door.PARTITIONS, zones=ZONES)
    reading = splitter.read(batch, int(NOW.timestamp()))
    keys = {(i, d): None if d in gone else a_key(i, d) for i, d in reading.days}
    return {day for _, day in reading.days}, splitter.cross(reading, door.DAY.key, keys)


def test_a_visitor_is_somebody_else_after_the_site_s_midnight() -> None:
    days, crossing = carried("tokyo")
    assert days == {DAY, DAY + 1}
    rows = door.rows(crossing)
    assert rows["visitor"].n_unique() == 2
    assert rows["time"].diff()[1] == 1  # an event's own time stays UTC
    elsewhere, crossing = carried("shop")
    assert elsewhere == {DAY}
    assert door.rows(crossing)["visitor"].n_unique() == 1


def test_the_clock_travels_with_the_events() -> None:
    for site, zones in (("tokyo", {"tokyo": "Asia/Tokyo"}), ("shop", {})):
        _, crossing = carried(site)
        assert {tuple(events.decode_header(m).zones.items()) for _, m in crossing.events} == {
            tuple(zones.items())
        }


def test_what_is_too_late_is_so_by_the_site_s_clock() -> None:
    _, crossing = carried("tokyo", frozenset([DAY]))
    assert crossing.outcomes == {("tokyo", "ignored", "too_late"): 1, ("tokyo", "event", ""): 1}
    _, crossing = carried("shop", frozenset([DAY]))
    assert crossing.outcomes == {("shop", "ignored", "too_late"): 2}


def test_an_investigation_finds_the_pseudonym_that_split_made() -> None:
    _, crossing = carried("tokyo")
    made = door.rows(crossing)
    records = pl.DataFrame({
        "site": ["tokyo"] * 2, "ingest": ["live"] * 2, "time": made["time"],
        "address": ["192.0.2.1"] * 2, "agent": ["x"] * 2,
    })  # fmt: skip
    keys = {("live", day): a_key("live", day) or b"" for day in (DAY, DAY + 1)}
    found = open_reader(Split(), ZONES).visitors(records, keys)
    assert found.to_list() == made["visitor"].to_list()
