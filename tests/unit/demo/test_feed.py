"""What the demo's site is visited with: each line once, when its time has come, at any hour."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from pipeline.demo.feed import Feed

DAY = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)


def moment(line: str) -> dt.datetime:
    found = re.search(r"\[([^]]+)\]", line)
    assert found is not None
    return dt.datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z")


@pytest.mark.parametrize("hour", [0, 5, 6, 11, 18, 23])
def test_it_is_evening_on_the_site_s_wall_whenever_it_begins(hour: int) -> None:
    now = DAY.replace(hour=hour, minute=20)
    feed = Feed("books", now)
    seen: list[str] = []
    upto = now
    for minutes in (1, 1.5, 50):
        upto = now + dt.timedelta(minutes=minutes)
        due = feed.due(upto)
        # a line is written when its request has been answered
        late = dt.timedelta(minutes=2)
        assert all(now - late <= moment(line) <= upto for line in due)
        seen += due
    assert feed.due(upto) == []
    assert len(seen) > 3000
    assert {moment(line).hour for line in seen} == {18, 19}


def test_it_goes_on_where_all_that_was_made_so_far_has_come() -> None:
    now = DAY.replace(hour=18)
    feed = Feed("books", now)
    whole_hour = dt.timedelta(microseconds=feed._waiting["arrival"].to_list()[-1])
    last = dt.datetime.fromtimestamp(0, dt.UTC) + whole_hour
    assert feed.due(last)
    assert feed.due(last + dt.timedelta(minutes=30))
