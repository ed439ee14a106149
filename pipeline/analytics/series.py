"""The windows of a time series: every one of the range, whether there are numbers for it or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from pipeline.analytics.judging import Window
from pipeline.analytics.query import Query
from pipeline.analytics.ranges import Days
from pipeline.errors import UsageError

_MOST_HOURS_DAYS: Final = 31
_MOST_DAYS: Final = 1200


def check(query: Query, asked: Days) -> None:
    """Refuse a series of too many windows: UsageError."""
    if "time:hour" in query.dimensions and len(asked) > _MOST_HOURS_DAYS:
        raise UsageError("date_range: hours are listed for 31 days at most; take time:day")
    if "time:day" in query.dimensions and len(asked) > _MOST_DAYS:
        raise UsageError(f"date_range: days are listed for {_MOST_DAYS} at most; take time:month")


def windows(time: str, asked: Days) -> Iterator[tuple[str, Window]]:
    """Yield the name of each window of ``time`` in order, and its days within the range.

    A week is named by its Monday and a month by its first day, also where the range begins later.
    """
    if time == "time:hour":
        for day in asked.each():
            for hour in range(24):
                name = f"{day} {hour:02d}:00:00"
                yield name, Window([day], name)
        return
    gathered: dict[str, list[dt.date]] = {}
    for day in asked.each():
        gathered.setdefault(_name(time, day), []).append(day)
    for name, those in gathered.items():
        yield name, Window(those)


def _name(time: str, day: dt.date) -> str:
    if time == "time:week":
        day -= dt.timedelta(days=day.weekday())
    elif time == "time:month":
        day = day.replace(day=1)
    return day.isoformat()
