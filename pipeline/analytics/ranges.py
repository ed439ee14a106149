"""Ranges of days, by name or by their first and last day."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from pipeline.errors import UsageError

_DAYS: Final = re.compile(r"([1-9][0-9]{0,3})d", re.ASCII)
_MONTHS: Final = re.compile(r"([1-9][0-9]?)mo", re.ASCII)
_ONE: Final = dt.timedelta(days=1)
FIRST: Final = dt.date(1970, 1, 1)
_LAST: Final = dt.date(2105, 12, 31)
NAMES: Final = "today, yesterday, 7d, 30d, 90d, month, last_month, year, 12mo, all"


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of a site, the first and the last included."""

    first: dt.date
    last: dt.date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> Days:
        """Return as many days, directly before these."""
        return Days(max(FIRST, self.first - _ONE * len(self)), self.first - _ONE)

    def each(self) -> list[dt.date]:
        """Return the days one by one."""
        return [self.first + _ONE * number for number in range(len(self))]


def known(name: str) -> bool:
    """Tell whether ``name`` is one that ``days`` knows."""
    return bool(_DAYS.fullmatch(name) or _MONTHS.fullmatch(name)) or name in NAMES.split(", ")


def read(text: str) -> dt.date:
    """Read a day as ISO 8601 writes it, 2026-11-01; raises UsageError."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"date_range: write days as 2026-11-01, or one of {NAMES}") from None
    return min(max(day, FIRST), _LAST)


def days(
    asked: str | tuple[dt.date, dt.date], today: dt.date, first: dt.date | None = None
) -> Days:
    """Return the days asked for, none later than ``today``; raises UsageError.

    ``7d`` are the seven whole days before today, and ``12mo`` the twelve months before this one, so
    that nothing compared is half over; ``month`` and ``year`` are those that go on, with today.
    ``all`` begins at ``first``, the first day there is.
    """
    if not isinstance(asked, str):
        begin, end = asked
        if end < begin:
            raise UsageError("date_range: the first day is after the last; write the earlier first")
        if begin > today:
            raise UsageError("date_range: it begins after today; choose days that have begun")
        return Days(begin, min(end, today))
    yesterday, month = today - _ONE, today.replace(day=1)
    if match := _DAYS.fullmatch(asked):
        return Days(max(FIRST, today - _ONE * int(match[1])), yesterday)
    if match := _MONTHS.fullmatch(asked):
        return Days(_months_before(month, int(match[1])), month - _ONE)
    named = {
        "today": Days(today, today),
        "yesterday": Days(yesterday, yesterday),
        "month": Days(month, today),
        "last_month": Days(_months_before(month, 1), month - _ONE),
        "year": Days(today.replace(month=1, day=1), today),
        "all": Days(min(first or today, today), today),
    }
    try:
        return named[asked]
    except KeyError:
        raise UsageError(f"date_range: write one of {NAMES}, or two days") from None


def _months_before(month: dt.date, count: int) -> dt.date:
    years, left = divmod(month.year * 12 + month.month - 1 - count, 12)
    return dt.date(years, left + 1, 1)
