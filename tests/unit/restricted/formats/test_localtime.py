"""Local times are right through both changes of the clock."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.formats import Context, is_zone
from pipeline.restricted.formats.localtime import zoned_seconds

ZONE = "Europe/Berlin"
FORM = "%Y-%m-%d %H:%M:%S"
BACK = dt.datetime(2025, 10, 26, 1, 0, tzinfo=dt.UTC)
"""Clocks went from 3:00 back to 2:00 local time."""
NOW = 1_800_000_000


def local(moment: dt.datetime, zone: str = ZONE) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime(FORM)


def seconds(
    stamps: list[str], *, live: bool = False, now: int = NOW, starts: list[bool] | None = None,
    zone: str = ZONE,
) -> list[int | None]:  # fmt: skip
    context = Context(
        now, zone=zone, live=live, starts=None if starts is None else pl.Series(starts)
    )
    return zoned_seconds(pl.Series("when", stamps, dtype=pl.String), FORM, context).to_list()


def at(moment: dt.datetime) -> int:
    return int(moment.timestamp())


def test_an_hour_that_comes_twice_is_told_by_the_jump_back() -> None:
    moments = [BACK + dt.timedelta(minutes=n) for n in range(-90, 90, 7)]
    assert seconds([local(moment) for moment in moments]) == [at(moment) for moment in moments]


def test_lines_that_end_out_of_order_are_no_jump() -> None:
    moments = [BACK + dt.timedelta(seconds=n) for n in (-3000, -2990, -3020, -2900, -2999)]
    assert seconds([local(moment) for moment in moments]) == [at(moment) for moment in moments]


def test_each_message_has_its_own_order() -> None:
    first = [BACK + dt.timedelta(minutes=n) for n in (-30, -10, 10, 30)]
    second = [BACK + dt.timedelta(minutes=n) for n in (-40, -20)]
    stamps = [local(moment) for moment in [*first, *second]]
    starts = [True, False, False, False, True, False]
    assert seconds(stamps, starts=starts) == [at(moment) for moment in [*first, *second]]


@pytest.mark.parametrize("minutes", [-40, -10, 10, 40])
def test_a_live_line_is_of_the_pass_that_is_now(minutes: int) -> None:
    moment = BACK + dt.timedelta(minutes=minutes)
    assert seconds([local(moment)], live=True, now=at(moment) + 5) == [at(moment)]


def test_an_old_line_that_nothing_tells_is_of_the_first_pass() -> None:
    moment = BACK - dt.timedelta(minutes=30)
    assert seconds([local(moment)]) == [at(moment)]


def test_an_hour_that_clocks_skip_does_not_exist() -> None:
    assert seconds(["2025-03-30 02:30:00", "2025-03-30 03:00:00"]) == [
        None, at(dt.datetime(2025, 3, 30, 1, 0, tzinfo=dt.UTC)),
    ]  # fmt: skip


@given(
    st.lists(st.integers(0, 2_000_000_000), max_size=20),
    st.sampled_from([ZONE, "UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_every_time_outside_the_doubled_hour_comes_back(moments: list[int], zone: str) -> None:
    kept = [
        moment
        for moment in moments
        if _plain(dt.datetime.fromtimestamp(moment, dt.UTC), ZoneInfo(zone))
    ]
    stamps = [local(dt.datetime.fromtimestamp(moment, dt.UTC), zone) for moment in kept]
    starts = [True] * len(kept)
    assert seconds(stamps, zone=zone, starts=starts) == kept


def _plain(moment: dt.datetime, zone: ZoneInfo) -> bool:
    there = moment.astimezone(zone)
    return there.replace(fold=0).utcoffset() == there.replace(fold=1).utcoffset()


def test_only_zones_that_are_some_are_zones() -> None:
    assert is_zone("Europe/Berlin")
    for name in ("Europe/Atlantis", "", "../../etc/passwd", "/etc/localtime"):
        assert not is_zone(name)
