"""Days, hours and what is open go by the clock on the site's wall."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pytest
from clickhouse_connect.driver.client import Client

from pipeline import analytics
from pipeline.clickhouse.queries import Reader
from pipeline.zones import ALL_UTC, Zones
from tests.support.released_cells import Cells

NOW: Final = dt.datetime(2026, 11, 30, 7, tzinfo=dt.UTC)
WEST, EAST = "Pacific/Honolulu", "Pacific/Kiritimati"
ZONES: Final = Zones("UTC", {"shop": WEST, "pier": WEST, "isle": EAST})


@pytest.fixture(scope="module")
def reader(engine: tuple[Client, Reader]) -> Reader:
    """Of the site in the east the 28th has closed and of that in the west the 26th."""
    cells = Cells()
    for site, day in (("shop", 26), ("isle", 28)):
        at = dt.datetime(2026, 11, day, tzinfo=dt.UTC)
        cells.add("traffic_daily", site=site, window_start=at, audience="human", hits=90)
        cells.add("segment_daily", site=site, window_start=at, segment="view", hits=60, visitors=20)
    cells.insert(engine[0])
    return engine[1]


def ask(
    reader: Reader,
    site: str,
    zones: Zones = ZONES,
    now: dt.datetime = NOW,
    **words: Any,  # noqa: ANN401
) -> dict[str, Any]:
    query = analytics.read({"site": site, "metrics": ["visitors"], **words})
    return analytics.ask(
        reader.rows, query, clock=lambda: now, k=10, retention_days=1100, zones=zones
    ).document()


@pytest.mark.parametrize(
    ("site", "hour", "today"),
    [
        ("shop", 9, "2026-11-29"),
        ("shop", 10, "2026-11-30"),  # midnight in the west
        ("isle", 9, "2026-11-30"),
        ("isle", 10, "2026-12-01"),
        ("isle.widget", 10, "2026-12-01"),
        ("blog", 9, "2026-11-30"),
    ],
)
def test_today_begins_at_the_sites_midnight(
    reader: Reader, site: str, hour: int, today: str
) -> None:
    now = NOW.replace(hour=hour)
    assert ask(reader, site, now=now, date_range="today")["date_range"] == [today, today]
    yesterday = dt.date.fromisoformat(today) - dt.timedelta(days=1)
    assert ask(reader, site, now=now, date_range="7d")["date_range"][1] == str(yesterday)
    month = ask(reader, site, now=now, date_range="month")["date_range"]
    assert month == [f"{today[:7]}-01", today]


def test_an_answer_says_whose_clock_it_is_by(reader: Reader) -> None:
    for site, zone in (("shop", WEST), ("shop.widget", WEST), ("isle", EAST), ("blog", "UTC")):
        assert ask(reader, site)["zone"] == zone
    assert ask(reader, "shop", ALL_UTC)["zone"] == "UTC"


def test_a_day_that_is_over_elsewhere_is_not_over_here(reader: Reader) -> None:
    """What has closed of a site says what has closed of those that have its midnight, alone."""
    days: dict[str, Any] = {"date_range": ["2026-11-26", "2026-11-28"], "dimensions": ["time:day"]}
    now = dt.datetime(2026, 11, 29, 4, tzinfo=dt.UTC)  # six in the evening of the 28th, in the west

    def states(site: str, zones: Zones = ZONES) -> list[str]:
        return [line["states"][0] for line in ask(reader, site, zones, now, **days)["results"]]

    assert states("shop") == ["value", "not_yet_closed", "not_yet_closed"]
    assert states("pier") == ["withheld", "not_yet_closed", "not_yet_closed"]
    assert states("isle") == ["withheld", "withheld", "value"]
    assert states("shop", ALL_UTC) == ["value", "withheld", "withheld"]
    assert states("pier", Zones(WEST, {"isle": EAST})) == states("pier")


def test_what_is_kept_is_counted_back_from_the_sites_own_day(reader: Reader) -> None:
    query = analytics.read({"site": "isle", "date_range": ["2026-11-01", "2026-11-28"]})
    found = analytics.ask(
        reader.rows, query, clock=lambda: NOW.replace(hour=10), k=10, retention_days=1, zones=ZONES
    )
    assert "days before 2026-11-30 are past their retention, unless loaded late" in found.notes
