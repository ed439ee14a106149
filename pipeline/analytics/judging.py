"""What a cell is: a number, or the reason why there is none.

A sum over days adds up the cells that are shown. A metric of visits is of the days and values of
which all that it needs is shown, and a rate divides sums over these alone; both are withheld where
these hold less than half of the page views that there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.analytics import words
from pipeline.analytics.answer import Cell
from pipeline.analytics.compiling import ENOUGH, SUMS, formula, seen
from pipeline.analytics.part import NOTHING_FOLDS, Part
from pipeline.analytics.quantiles import quantile
from pipeline.analytics.query import Query

_DIGITS: Final = 4
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the tables reach: what is past its retention, and what has not been released.

    Days before ``kept_from`` have expired, those from ``open_from`` on have not closed, hours after
    ``last_hour`` (``2026-11-29 13:00:00``) of such a day have not been released. The hour ``now``
    and those after it are not over, whatever has closed.
    """

    kept_from: dt.date
    open_from: dt.date
    last_hour: str
    now: str


@dataclass(frozen=True, slots=True)
class Window:
    """The days that a cell is of; ``hour`` where it is of one hour of a day."""

    days: Sequence[dt.date]
    hour: str | None = None


def cells(
    query: Query,
    parts: Sequence[Part],
    row: Row,
    facts: Row,
    window: Window,
    horizon: Horizon,
    *,
    picked: bool,
) -> tuple[Cell, ...]:
    """Return the cell of each metric of ``row``.

    ``facts`` hold, for the same windows, how many cells of ``(other)`` there are in each part and
    on how many days it has any. ``picked``: the row is of some values and not of all, so that
    nothing may mean none.
    """
    found = []
    for metric in query.metrics:
        part = next((p for p in parts if p.has(metric)), None)
        if part is None:
            found.append(Cell(None, words.WITHHELD))
            continue
        cell = _told(metric, part, row, query)
        found.append(cell or _absent(metric, part, facts, window, horizon, picked=picked))
    return tuple(found)


def _told(metric: str, part: Part, row: Row, query: Query) -> Cell | None:
    if part.classes:
        return quantile(metric, part, row)
    return _of_visits(metric, part, row, query) if part.roles else _plain(metric, part, row)


def _plain(metric: str, part: Part, row: Row) -> Cell | None:
    if not int(row.get(f"{part.name}_{metric}_cells") or 0):
        return None
    return Cell(int(row[f"{part.name}_{metric}"]), words.VALUE)


def _of_visits(metric: str, part: Part, row: Row, query: Query) -> Cell | None:
    top, bottom, told = formula(metric, query)
    sums = {name: int(row.get(f"{part.name}_{name}") or 0) for name in SUMS}
    if not sums[told]:
        return None
    if sums[seen(told)] < ENOUGH * sums["all"]:
        return Cell(None, words.WITHHELD)
    if bottom is None:
        return Cell(sums[top], words.VALUE if sums[top] else words.ZERO)
    if not sums[bottom]:
        return Cell(None, words.ZERO)
    return Cell(round(sums[top] / sums[bottom], _DIGITS), words.VALUE)


def _absent(
    metric: str, part: Part, facts: Row, window: Window, horizon: Horizon, *, picked: bool
) -> Cell:
    folded = int(facts.get(f"{part.name}_folded") or 0)
    seen = int(facts.get(f"{part.name}_windows") or 0)
    kept = [day for day in window.days if day >= horizon.kept_from]
    closed = [day for day in window.days if day < horizon.open_from]
    # Old files that were loaded late are kept from then on.
    if not kept and not seen:
        return Cell(None, words.EXPIRED)
    if not closed and (window.hour is None or window.hour > horizon.last_hour or not part.hourly):
        return Cell(None, words.NOT_YET_CLOSED)
    if window.hour is not None and window.hour >= horizon.now:
        return Cell(None, words.NOT_YET_CLOSED)
    all_seen = seen >= (1 if window.hour else len(window.days))
    if picked and part.folded != NOTHING_FOLDS and folded == 0 and all_seen:
        uncounted = metric in words.RATES or metric in words.QUANTILES
        return Cell(None if uncounted else 0, words.ZERO)
    return Cell(None, words.WITHHELD)
