"""The JSON object has the agreed names, and its totals close."""

from __future__ import annotations

import dataclasses
import datetime as dt

import orjson
import pytest

from pipeline.report.as_json import as_json
from pipeline.report.collect import collect
from pipeline.report.model import Account, Report, Traffic, Visits

NOON = dt.datetime(2015, 5, 17, 12, tzinfo=dt.UTC)
DAY = dt.datetime(2015, 5, 17, tzinfo=dt.UTC)
ACCOUNT = Account(
    lines=30,
    events=27,
    rejected=2,
    ignored=1,
    withheld_hits=7,
    records=30,
    segments=1,
    k=10,
    promised=10,
    reasons={"malformed": 2},
)
REPORT = Report(
    traffic_daily=(
        Traffic("example", DAY, "human", 15, 1500, 11),
        Traffic("example", DAY, "bot", 5, 500, 10),
    ),
    traffic_hourly=(Traffic("example", NOON, "human", 15, 1500, 11),),
    breakdown_daily=(),
    breakdown_hourly=(),
)


def test_the_object_has_exactly_the_agreed_names() -> None:
    assert orjson.loads(orjson.dumps(as_json(REPORT, ACCOUNT))) == {
        "sites": ["example"],
        "period": {"start": "2015-05-17T12:00:00Z", "end": "2015-05-17T13:00:00Z"},
        "zone": "UTC",
        "k": 10,
        "anonymous": True,
        "lines": {"in": 30, "events": 27, "rejected": 2, "ignored": 1},
        "rejected_reasons": {"malformed": 2},
        "totals": {
            "hits": 27,
            "bytes": 2000,
            "visitors_daily": {"2015-05-17": 21},
            "released_hits": 20,
            "withheld_hits": 7,
        },
        "sealed": {"records": 30, "segments": 1},
        "visits": [],
        "traffic_daily": [
            {
                "site": "example",
                "window_start": "2015-05-17T00:00:00Z",
                "audience": audience,
                "hits": hits,
                "bytes": hits * 100,
                "visitors": visitors,
            }
            for audience, hits, visitors in (("human", 15, 11), ("bot", 5, 10))
        ],
        "traffic_hourly": [
            {
                "site": "example",
                "window_start": "2015-05-17T12:00:00Z",
                "audience": "human",
                "hits": 15,
                "bytes": 1500,
                "visitors": 11,
            }
        ],
        "breakdown_daily": [],
        "breakdown_hourly": [],
    }


@pytest.mark.parametrize(
    ("k", "promised", "anonymous"),
    [(10, 10, True), (20, 10, True), (9, 10, False), (1, 10, False), (1, 1, False)],
)
def test_anonymous_is_what_the_policy_promises(k: int, promised: int, anonymous: bool) -> None:
    told = as_json(REPORT, dataclasses.replace(ACCOUNT, k=k, promised=promised))
    assert (told["k"], told["anonymous"]) == (k, anonymous)


def test_a_day_without_released_hours_counts_whole_in_the_period() -> None:
    next_day = dataclasses.replace(REPORT.traffic_daily[0], start=DAY + dt.timedelta(days=1))
    longer = dataclasses.replace(REPORT, traffic_daily=(*REPORT.traffic_daily, next_day))
    assert longer.period == (NOON, DAY + dt.timedelta(days=2))


def test_nothing_released_is_said_as_such() -> None:
    empty = as_json(collect(lambda _: []), ACCOUNT)
    assert empty["period"] == {"start": None, "end": None}
    assert empty["totals"] == {
        "hits": 7,
        "bytes": 0,
        "visitors_daily": {},
        "released_hits": 0,
        "withheld_hits": 7,
    }


def test_visits_are_an_object_for_each_site() -> None:
    visits = Visits("example", 12, 0.25, None, 61.5, entries=(("/", 11),))
    told = as_json(dataclasses.replace(REPORT, visits=(visits,)), ACCOUNT)["visits"]
    assert told == [
        {
            "site": "example",
            "visits": 12,
            "bounce_rate": 0.25,
            "views_per_visit": None,
            "visit_duration": 61.5,
            "entries": [{"page": "/", "visits": 11}],
            "exits": [],
        }
    ]


def test_the_times_of_another_clock_do_not_pass_for_utc() -> None:
    """A Z is said where it is true; elsewhere `zone` says what the times are by."""
    told = as_json(dataclasses.replace(REPORT, zone="Europe/Berlin"), ACCOUNT)
    assert told["zone"] == "Europe/Berlin"
    assert told["period"] == {"start": "2015-05-17T12:00:00", "end": "2015-05-17T13:00:00"}
    assert "00Z" not in orjson.dumps(told).decode()
