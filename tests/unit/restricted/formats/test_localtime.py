"""Local times become the moments they were, also through the hour that comes twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.restricted.formats import Context, parse
from pipeline.restricted.formats.localtime import is_form, local_seconds, zoned_seconds

BERLIN = "Europe/Berlin"
NOW = 2_000_000_000
AUTUMN = int(dt.datetime(2024, 10, 27, 0, 0, tzinfo=dt.UTC).timestamp())
"""02:00 of the first pass in Berlin; at 01:00 UTC the clocks show 02:00 again."""
HOUR = 3_600


def shown(moments: Sequence[int], zone: str = BERLIN) -> pl.Series:
    """What a clock of the zone shows at each moment."""
    there = ZoneInfo(zone)
    shown = [dt.datetime.fromtimestamp(moment, there).replace(tzinfo=None) for moment in moments]
    return pl.Series(shown, dtype=pl.Datetime("us"))


def read(moments: Sequence[int], context: Context) -> list[int]:
    return local_seconds(shown(moments, context.zone), context).to_list()


@pytest.mark.parametrize(
    "zone", ["UTC", BERLIN, "America/New_York", "Asia/Kolkata", "Africa/Cairo"]
)
def test_an_ordinary_day_is_read_as_the_zone_has_it(zone: str) -> None:
    moments = list(range(1_718_000_000, 1_718_086_400, 977))
    assert read(moments, Context(NOW, zone=zone)) == moments


@pytest.mark.parametrize("step", [7, 60, 600])
def test_the_jump_back_parts_the_two_passes(step: int) -> None:
    """From 01:30 to 04:00 of the last Sunday of October, in one message."""
    moments = list(range(AUTUMN - HOUR // 2, AUTUMN + 3 * HOUR, step))
    assert read(moments, Context(NOW, zone=BERLIN)) == moments


def test_half_an_hour_is_enough_of_a_jump_where_clocks_go_back_by_that() -> None:
    start = int(dt.datetime(2024, 4, 6, 14, 0, tzinfo=dt.UTC).timestamp())
    moments = list(range(start, start + 3 * HOUR, 60))
    assert read(moments, Context(NOW, zone="Australia/Lord_Howe")) == moments


@pytest.mark.parametrize("end", [HOUR, 2 * HOUR], ids=["before any jump", "with a jump too"])
def test_a_line_that_comes_late_is_no_jump(end: int) -> None:
    """A long download is logged at its end with the time it began: both within the hour."""
    moments = list(range(AUTUMN - HOUR, AUTUMN + end, 10))
    late = (HOUR + 3_000) // 10
    told = [*moments[:late], moments[late] - 45 * 60, *moments[late:]]
    assert read(told, Context(NOW, zone=BERLIN)) == told


@pytest.mark.parametrize(
    ("first", "last", "which"),
    [
        (-600, 600, 0),
        (HOUR + 600, 2 * HOUR + 600, HOUR),
    ],
    ids=["it came from before the hour", "it goes on after the hour"],
)
def test_without_a_jump_a_message_is_of_the_pass_it_touches(
    first: int, last: int, which: int
) -> None:
    moments = list(range(AUTUMN + first, AUTUMN + last, 10))
    assert read(moments, Context(NOW, zone=BERLIN)) == moments
    assert moments[len(moments) // 2] - AUTUMN >= which


@pytest.mark.parametrize("offset", [0, HOUR], ids=["first pass", "second pass"])
def test_a_live_line_alone_is_of_the_pass_that_is_now(offset: int) -> None:
    moment = AUTUMN + offset + 600
    context = Context(moment + 5, zone=BERLIN, live=True)
    assert read([moment], context) == [moment]


def test_an_old_line_alone_is_of_the_first_pass() -> None:
    assert read([AUTUMN + HOUR + 600], Context(NOW, zone=BERLIN)) == [AUTUMN + 600]
    assert read([AUTUMN + HOUR + 600], Context(NOW, zone=BERLIN, live=True)) == [
        AUTUMN + HOUR + 600
    ]


def test_messages_are_told_apart() -> None:
    """The second file begins in the first pass again: its message is looked at by itself."""
    moments = list(range(AUTUMN - HOUR // 2, AUTUMN + 3 * HOUR, 30))
    starts = pl.Series([at % len(moments) == 0 for at in range(2 * len(moments))])
    context = Context(NOW, zone=BERLIN, starts=starts)
    assert read(moments * 2, context) == moments * 2


def test_the_hour_that_is_skipped_does_not_exist() -> None:
    """The last Sunday of March: after 01:59:59 comes 03:00:00."""
    told = pl.Series(
        ["31/Mar/2024:01:59:59", "31/Mar/2024:02:00:00", "31/Mar/2024:02:59:59",
         "31/Mar/2024:03:00:00", "no time"]
    )  # fmt: skip
    spring = int(dt.datetime(2024, 3, 31, 1, 0, tzinfo=dt.UTC).timestamp())
    found = zoned_seconds(told, "%d/%b/%Y:%H:%M:%S", Context(NOW, zone=BERLIN))
    assert found.to_list() == [spring - 1, None, None, spring, None]


@pytest.mark.parametrize("live", [True, False])
def test_haproxy_through_both_changes(live: bool) -> None:
    """Lines of both Sundays, a message each: every one that exists is an event of its moment."""
    spring = int(dt.datetime(2024, 3, 31, 0, 30, tzinfo=dt.UTC).timestamp())
    for begin in (spring, AUTUMN - HOUR // 2):
        moments = list(range(begin, begin + 3 * HOUR, 60))
        stamps = shown(moments).dt.strftime("%d/%b/%Y:%H:%M:%S")
        lines = (
            "192.0.2.7:1 [" + stamps + ".123] a b/c 1/1/1/1/1 200 1 - - ---- 1/1/1/1/0 0/0 "
            '"GET / HTTP/1.1"'
        )  # fmt: skip
        context = Context(moments[-1], zone=BERLIN, live=live)
        assert parse("haproxy", lines, context)["time"].to_list() == moments


@settings(max_examples=40)
@given(
    st.lists(st.integers(AUTUMN - 2 * HOUR, AUTUMN + 4 * HOUR), max_size=30),
    st.lists(st.booleans(), min_size=30, max_size=30),
    st.booleans(),
)
def test_whatever_the_order_a_time_is_one_of_the_two_it_can_be(
    moments: list[int], starts: list[bool], live: bool
) -> None:
    of = pl.Series(starts[: len(moments)], dtype=pl.Boolean)
    context = Context(AUTUMN + HOUR, zone=BERLIN, starts=of, live=live)
    found = read(moments, context)
    assert shown(found).equals(shown(moments))


def test_a_form_is_one_that_times_can_be_read_by() -> None:
    assert is_form("%d/%b/%Y %T")
    for form in ("%Y-%m-%d %H:%M %Q", "%", "%F %T%"):
        assert not is_form(form)
