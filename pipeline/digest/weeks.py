"""Weeks of ISO 8601: Monday to Sunday, named as in ``2026-W47``."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from pipeline.errors import UsageError

DAYS: Final = 7
_NAME: Final = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """A week by its Monday."""

    first: dt.date

    @classmethod
    def of(cls, day: dt.date) -> Week:
        """Return the week that a day is in."""
        return cls(day - dt.timedelta(days=day.weekday()))

    @classmethod
    def named(cls, name: str) -> Week:
        """Return the week of a name; raises UsageError."""
        match = _NAME.fullmatch(name)
        if match is not None:
            with contextlib.suppress(ValueError):
                return cls(dt.date.fromisocalendar(int(match[1]), int(match[2]), 1))
        raise UsageError("--week: write it as in 2026-W47")

    @property
    def last(self) -> dt.date:
        """Its Sunday."""
        return self.first + dt.timedelta(days=DAYS - 1)

    @property
    def days(self) -> tuple[dt.date, ...]:
        """Its days, Monday first."""
        return tuple(self.first + dt.timedelta(days=n) for n in range(DAYS))

    @property
    def before(self) -> Week:
        """The week before it."""
        return Week(self.first - dt.timedelta(days=DAYS))

    def __str__(self) -> str:
        year, number, _ = self.first.isocalendar()
        return f"{year}-W{number:02}"
