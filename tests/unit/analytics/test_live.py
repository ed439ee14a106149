"""What is told of the last half hour, and why the rest is not: never a zero that is not known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest

from pipeline.analytics import step_times
from pipeline.analytics.live import Live, live
from pipeline.zones import Zones

NOW = dt.datetime(2026, 11, 29, 12, 10, 42, tzinfo=dt.UTC)
TIMES = {"from 0.25 s": 3, "(none)": 2, "0-0.1 s": 31, "0.1-0.25 s": 4}
Step = tuple[str, str, int, int]
"""Segment, class, minute after 11:00, minutes."""
BERLIN = Zones("UTC", {"shop": "Europe/Berlin"})


def asked(steps: Sequence[Step], now: dt.datetime = NOW, k: int = 10) -> Live:
    rows = told(steps, dt.datetime(2026, 11, 29, 11, tzinfo=dt.UTC))
    return live(lambda _: rows, "shop", now=now, k=k)


def told(steps: Sequence[Step], first: dt.datetime) -> list[dict[str, object]]:
    """Return rows of steps, whose minutes are counted from ``first``."""
    start = int(first.timestamp())
    return [
        {
            "segment": segment, "status_class": kind, "start": start + 60 * minute,
            "minutes": spans, "hits": "40", "bytes": "9", "visitors": "12", "ranges": list(TIMES),
            "counts": list(map(str, TIMES.values())),
        }
        for segment, kind, minute, spans in sorted(steps, key=lambda step: step[2])
    ]  # fmt: skip


def of(found: Live, segment: str, kind: str) -> Iterator[tuple[str, str, str]]:
    for one in found.stretches:
        if (one.segment, one.status_class) == (segment, kind):
            yield f"{one.begin:%H:%M}", f"{one.end:%H:%M}", one.state


def test_each_minute_of_a_category_is_told_or_accounted_for() -> None:
    steps = [("view", "2xx", 33, 12), ("view", "2xx", 45, 5), ("view", "2xx", 60, 4)]
    found = asked(steps)
    assert list(of(found, "view", "2xx")) == [
        ("11:33", "11:45", "value"),
        ("11:45", "11:50", "value"),
        ("11:50", "12:00", "withheld"),
        ("12:00", "12:04", "value"),
        ("12:04", "12:10", "not_yet_closed"),
    ]
    assert all((one.hits is None) == (one.state != "value") for one in found.stretches)


def test_the_end_of_an_hour_is_open_until_something_later_is_told() -> None:
    """Minutes pass in order: a step of any category after the hour says that its own have."""
    steps: list[Step] = [("view", "2xx", 40, 10)]
    assert list(of(asked(steps), "view", "2xx"))[-2:] == [
        ("11:50", "12:00", "not_yet_closed"),
        ("12:00", "12:10", "not_yet_closed"),
    ]
    later = [*steps, ("bot", "4xx", 60, 3)]
    assert list(of(asked(later), "view", "2xx"))[-2:] == [
        ("11:50", "12:00", "withheld"),
        ("12:00", "12:10", "not_yet_closed"),
    ]


def test_errors_are_spoken_of_where_none_is_told() -> None:
    found = asked([])
    assert not found.told
    assert {(one.segment, one.status_class, one.state) for one in found.stretches} == {
        ("view", "2xx", "not_yet_closed"),
        ("failed", "4xx", "not_yet_closed"),
        ("failed", "5xx", "not_yet_closed"),
    }


def test_with_k_of_one_a_minute_before_another_is_known_to_be_empty() -> None:
    found = asked([("view", "2xx", 62, 1), ("view", "2xx", 65, 1)], k=1)
    assert list(of(found, "view", "2xx"))[-5:] == [
        ("12:00", "12:02", "zero"),
        ("12:02", "12:03", "value"),
        ("12:03", "12:05", "zero"),
        ("12:05", "12:06", "value"),
        ("12:06", "12:10", "not_yet_closed"),
    ]


@pytest.mark.parametrize("minute", range(0, 60, 7))
def test_stretches_leave_no_minute_out(minute: int) -> None:
    now = NOW.replace(hour=11, minute=minute) + dt.timedelta(minutes=30)
    steps = [("view", "2xx", at, 4) for at in (*range(0, 40, 4), *range(60, 80, 4))]
    found = asked([step for step in steps if step[2] + 4 <= minute + 30], now)
    for category in {(one.segment, one.status_class) for one in found.stretches}:
        at = found.begin
        for one in found.stretches:
            if (one.segment, one.status_class) == category:
                assert one.begin <= at if at == found.begin else one.begin == at
                at = one.end
        assert at == found.end


def test_the_half_hour_is_by_the_sites_clock() -> None:
    questions: list[str] = []

    def run(question: str) -> list[dict[str, object]]:
        questions.append(question)
        return told([("view", "2xx", 40, 12)], dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC))

    found = live(run, "shop", now=NOW, k=10, zones=BERLIN)
    assert found.document()["from"] == "2026-11-29 12:40:00"
    assert found.document()["zone"] == "Europe/Berlin"
    assert (
        "window_start >= '2026-11-29 12:00:00' AND window_start < '2026-11-29 13:10:00'"
        in (questions[0])
    )
    assert next(of(found, "view", "2xx")) == ("12:40", "12:52", "value")
    assert live(run, "blog", now=NOW, k=10, zones=BERLIN).document()["zone"] == "UTC"


@pytest.mark.parametrize(
    ("utc", "span", "upto", "states"),
    [
        ("00:40", ("02:10", "02:40"), 96, {"value", "not_yet_closed"}),  # the first time
        ("01:10", ("01:40", "02:10"), 116, {"not_yet_closed"}),
        ("01:40", ("02:10", "02:40"), 116, {"not_yet_closed"}),  # shown anew, and not told
        ("02:20", ("02:50", "03:20"), 136, {"withheld", "value", "not_yet_closed"}),
        ("02:40", ("03:10", "03:40"), 156, {"value", "not_yet_closed"}),
    ],
)
def test_minutes_that_the_clock_shows_again_are_not_those_of_an_hour_ago(
    utc: str, span: tuple[str, str], upto: int, states: set[str]
) -> None:
    """On the 25th of October clocks in Berlin go back from three to two, at 01:00 UTC.

    ``upto``: minutes after one of which steps are told, but for the last four of an hour.
    """
    steps: list[Step] = [("view", "2xx", at, 4) for at in range(0, upto, 4) if at % 60 != 56]
    rows = told(steps, dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC))
    end = dt.datetime.fromisoformat(f"2026-10-25T{span[1]}+00:00").timestamp()

    def run(_: str) -> list[dict[str, object]]:
        return [row for row in rows if int(str(row["start"])) < end]

    now = dt.datetime.fromisoformat(f"2026-10-25T{utc}:30+00:00")
    found = live(run, "shop", now=now, k=10, zones=BERLIN)
    assert (f"{found.begin:%H:%M}", f"{found.end:%H:%M}") == span
    assert {state for _, _, state in of(found, "view", "2xx")} == states


def test_quantiles_are_told_by_the_range_that_they_are_in() -> None:
    """The slowest range has no end, so no number either; what no log says counts for none."""
    [step] = [one for one in asked([("view", "2xx", 60, 4)]).stretches if one.state == "value"]
    said = step.document()
    assert list(said["response_times"].items()) == [
        ("0-0.1 s", 31), ("0.1-0.25 s", 4), ("from 0.25 s", 3), ("(none)", 2),
    ]  # fmt: skip
    told = {name: value for name, value in said.items() if name.startswith("response_time_p")}
    assert told == {
        "response_time_p50": 100, "response_time_p50_from": 0, "response_time_p50_to": 100,
        "response_time_p95": None, "response_time_p95_from": 250, "response_time_p95_to": None,
        "response_time_p99": None, "response_time_p99_from": 250, "response_time_p99_to": None,
    }  # fmt: skip


def test_where_no_range_is_told_there_is_no_quantile() -> None:
    assert set(step_times.columns({}).values()) == {None}
    assert set(step_times.columns({"(none)": 40}).values()) == {None}
    assert set(step_times.columns({})) == set(step_times.COLUMNS)
