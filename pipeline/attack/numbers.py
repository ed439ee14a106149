"""Published numbers, as the tables' columns say what they count.

A table is known by its shape, not by its name: one with an ``audience`` tells all traffic apart by
audience, one with a ``segment`` and no ``dimension`` by segment, one with a ``dimension`` breaks
down the traffic, or a segment of it, and one with ``across`` does so by two things at a time. One
with ``minutes`` tells steps of an hour, by segment and class of status, and one that has a
``response_time`` besides how long their answers took.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pipeline.rows import DAY

AUDIENCE: Final = "audience"
SEGMENT: Final = "segment"
ALL: Final = ""
"""The universe of all traffic; any other is a segment's name."""
HOURLY: Final = "_hourly"
STEP: Final = "step"
STEP_TIME: Final = "response_time"


@dataclass(frozen=True, slots=True)
class Number:
    """One row of a table: hits and visitors of a set of requests, at a revision.

    ``start`` is in seconds since 1970 by the site's clock. ``segment`` is ALL where the set is of
    all traffic.
    ``hits`` may be any integer: a test gives each request a bit of its own.
    """

    ingest: str
    site: str
    start: int
    hourly: bool
    segment: str
    dimension: str
    value: str
    across: str
    across_value: str
    revision: int
    hits: int
    visitors: int
    bytes: int | None
    minutes: int = 0
    """How long a step is; ``value`` is its class of status then."""


def number(table: str, row: Mapping[str, object]) -> Number:
    """Return a row of ``table`` (without ``_revisions``); ``start`` and ``ingest`` are columns."""
    segment, dimension, value = ALL, "", ""
    across, across_value = str(row.get("across", "")), str(row.get("across_value", ""))
    if AUDIENCE in row:
        dimension, value = AUDIENCE, str(row[AUDIENCE])
    elif "minutes" in row:
        segment, dimension, value = str(row[SEGMENT]), STEP, str(row["status_class"])
        if STEP_TIME in row:
            across, across_value = STEP_TIME, str(row[STEP_TIME])
    elif "dimension" in row:
        segment = str(row.get(SEGMENT, ALL))
        dimension, value = str(row["dimension"]), str(row["value"])
    else:
        dimension, value = SEGMENT, str(row[SEGMENT])
    return Number(
        ingest=str(row["ingest"]),
        site=str(row["site"]),
        start=_count(row["start"]),
        hourly=table.endswith(HOURLY),
        segment=segment,
        dimension=dimension,
        value=value,
        across=across,
        across_value=across_value,
        revision=_count(row["revision"]),
        hits=_count(row["hits"]),
        visitors=_count(row["visitors"]),
        bytes=_count(row["bytes"]) if "bytes" in row else None,
        minutes=_count(row.get("minutes", 0)),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else int(str(value))


History = dict[int, Number]
"""Revision → the number at it, of one cell; only revisions that changed it."""
Cells = dict[str, History]
"""Value → its history."""


@dataclass(slots=True)
class Window:
    """An hour or a day: universe → dimension → cells.

    All traffic is broken down by AUDIENCE and by SEGMENT as by any dimension.
    """

    start: int
    hourly: bool
    universes: dict[str, dict[str, Cells]] = field(default_factory=dict)

    def add(self, one: Number) -> None:
        """Take a number of this window."""
        cells = self.universes.setdefault(one.segment, {}).setdefault(one.dimension, {})
        cells.setdefault(one.value, {})[one.revision] = one

    def revisions(self) -> list[int]:
        """Return the revisions of which anything is left, in order."""
        return sorted(
            {
                revision
                for dimensions in self.universes.values()
                for cells in dimensions.values()
                for history in cells.values()
                for revision in history
            }
        )


Pairs = dict[tuple[str, str, str], dict[tuple[str, str], History]]
"""(segment, dimension, across) → (value, across value) → history, of one day."""


@dataclass(slots=True)
class Day:
    """All that was ever said of one site's day under one ingest."""

    ingest: str
    site: str
    start: int
    hours: dict[int, Window] = field(default_factory=dict)
    whole: Window | None = None
    pairs: Pairs = field(default_factory=dict)
    steps: list[Number] = field(default_factory=list)
    ranges: list[Number] = field(default_factory=list)

    def add(self, one: Number) -> None:
        """Take a number of this day."""
        if one.across == STEP_TIME and one.minutes:
            self.ranges.append(one)
        elif one.across:
            table = self.pairs.setdefault((one.segment, one.dimension, one.across), {})
            table.setdefault((one.value, one.across_value), {})[one.revision] = one
        elif one.minutes:
            self.steps.append(one)
        elif one.hourly:
            self.hours.setdefault(one.start, Window(one.start, hourly=True)).add(one)
        else:
            if self.whole is None:
                self.whole = Window(one.start, hourly=False)
            self.whole.add(one)

    def windows(self) -> list[Window]:
        """Return the hours in order, then the day."""
        hours = [self.hours[start] for start in sorted(self.hours)]
        return hours if self.whole is None else [*hours, self.whole]


def by_day(numbers: Iterable[Number]) -> list[Day]:
    """Return the days that ``numbers`` are of, in the order of ingest, site and day."""
    found: dict[tuple[str, str, int], Day] = {}
    grouped: dict[tuple[str, str, int], list[Number]] = defaultdict(list)
    for one in numbers:
        grouped[one.ingest, one.site, one.start // DAY * DAY].append(one)
    for key in sorted(grouped):
        found[key] = Day(*key)
        for one in grouped[key]:
            found[key].add(one)
    return list(found.values())
