"""The line of a metric over time, and that of the period before beside it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.views.answers import Cell, Desk, Line
from pipeline.views.view import View

_HOURS_UP_TO: Final = 2
_DAYS_UP_TO: Final = 100
_WEEKS_UP_TO: Final = 400
_WIDE, _HIGH = 1000, 240


@dataclass(frozen=True, slots=True)
class Point:
    """A moment, its number and the number of the same moment a period ago."""

    at: dt.datetime
    label: str
    cell: Cell
    before: Cell | None


@dataclass(frozen=True, slots=True)
class Chart:
    """Points in the order of time. ``unit`` is hour, day, week or month.

    Moments are what the clock of ``zone`` shows, marked as UTC, and drawn as they are.
    """

    metric: str
    unit: str
    points: tuple[Point, ...]
    compared: bool
    zone: str

    def series(self) -> dict[str, object]:
        """Return what the script draws: seconds, numbers, gaps where there is none."""
        return {
            "metric": self.metric,
            "unit": self.unit,
            "zone": self.zone,
            "at": [int(point.at.timestamp()) for point in self.points],
            "now": [point.cell.value for point in self.points],
            "states": [point.cell.state for point in self.points],
            "before": [point.before.value if point.before else None for point in self.points]
            if self.compared
            else None,
        }

    def scale(self) -> tuple[float, ...]:
        """Return the marks beside the line of a page without script, the largest first."""
        top = ceiling(max((point.cell.value or 0 for point in self.points), default=0))
        return top, top / 2, 0

    def outline(self) -> str:
        """Return the line as the path of a picture 1000 wide and 240 high, without script."""
        top = self.scale()[0]
        steps = max(len(self.points) - 1, 1)
        corners, pen = [], "M"
        for number, point in enumerate(self.points):
            if point.cell.value is None:
                pen = "M"
                continue
            height = _HIGH - point.cell.value / top * _HIGH
            # a step of no length, so that a point between two gaps is a dot
            begun = "h0" if pen == "M" else ""
            corners.append(f"{pen}{number / steps * _WIDE:.0f} {height:.0f}{begun}")
            pen = "L"
        return "".join(corners)


def ceiling(value: float) -> float:
    """Return the end of a scale for ``value``: 1, 1.5, 2, 3, 4, 6, 8 or a power of ten more."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 1.5, 2, 3, 4, 6, 8, 10, 15) if power * step >= value)


def unit_of(days: int) -> str:
    """Return in what steps so many days are drawn."""
    if days <= _HOURS_UP_TO:
        return "hour"
    if days <= _DAYS_UP_TO:
        return "day"
    return "week" if days <= _WEEKS_UP_TO else "month"


def chart(desk: Desk, view: View, first: dt.date, last: dt.date) -> Chart:
    """Ask for the line of a view whose period these days are."""
    unit = unit_of((last - first).days + 1)
    answer = desk.ask(
        {
            "site": view.site,
            "metrics": [view.metric],
            "date_range": [first.isoformat(), last.isoformat()],
            "dimensions": [f"time:{unit}"],
            "filters": view.query_filters(),
            "compare": "previous_period" if view.compare else None,
        }
    )
    points = [_point(line, unit) for line in answer.lines]
    return Chart(view.metric, unit, tuple(points), compared=view.compare, zone=answer.zone)


def _point(line: Line, unit: str) -> Point:
    at = moment(line.values)
    return Point(at, _label(at, unit), line.cells[0], line.cells[0].earlier())


def moment(values: Sequence[str]) -> dt.datetime:
    """Return the moment that a line of an answer is of, marked as UTC."""
    at = dt.datetime.fromisoformat(values[0])
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)


def _label(at: dt.datetime, unit: str) -> str:
    if unit == "hour":
        return f"{at:%a} {at.day} {at:%b %H:%M}"
    if unit == "week":
        return f"Week of {at.day} {at:%b %Y}"
    return f"{at:%B %Y}" if unit == "month" else f"{at:%a} {at.day} {at:%b %Y}"
