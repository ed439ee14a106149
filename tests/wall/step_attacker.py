"""An attacker who sets steps of minutes against all that is said of their hours and days.

As in ``release_attacker`` each row has a bit of its own as its hits, so that a number spells out
which rows it stands for; a set of rows is an int. The attacker knows the class of a status by its
name, and that ``(other)`` may hold statuses of any class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, combinations
from typing import Any, Final, TypeVar
from unittest import mock

import polars as pl

from pipeline.clock import EVER
from pipeline.release import visits
from pipeline.release.ledger import Ledger
from pipeline.release.minutes import Minutes
from pipeline.release.rules import Rules
from pipeline.response_times import CLASSES, NONE
from pipeline.rows import CELLS, DAY, HOUR, MINUTES, OTHER
from tests.wall.crossing_attacker import union
from tests.wall.release_attacker import BITS, Finding, Step, Truth, day_of

T = TypeVar("T")
Row = dict[str, Any]
"""A row of CELLS, with its ``minute``, and ``in_time``: whether it came before that had passed."""
_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
_PEOPLE: Final = ("view", "request", "failed")


@dataclass
class Told:
    """A published number: which rows it stands for, and how many visitors it says."""

    rows: int = 0
    visitors: int = 0


def _number() -> dict[Any, Told]:
    return defaultdict(Told)


@dataclass
class Public:
    """All that was ever said of a site and day."""

    steps: dict[tuple[int, str, str, int], Told] = field(default_factory=_number)
    """Hour, segment, class, start of the step."""
    wholes: dict[tuple[str, int, str, int], Told] = field(default_factory=_number)
    """Table, start, segment or audience, revision."""
    statuses: dict[tuple[int, str, str, int], Told] = field(default_factory=_number)
    """Hour, segment, status, revision."""
    ranges: dict[tuple[int, str, str, int, str], Told] = field(default_factory=_number)
    """Hour, segment, class, start of the step, range of response times."""
    paces: dict[tuple[int, str, str, int], Told] = field(default_factory=_number)
    """Hour or, with a minus before it, day; segment, class of response times, revision."""


def attack(
    rows: list[Row], order: list[Step], k: int, lateness: int, hold: int, rules: Rules
) -> tuple[list[Finding], int]:
    """Release hours and steps of ``rows``; return every small set, and the number of steps."""
    truths: dict[tuple[str, int], Truth] = defaultdict(Truth)
    places = [truths[day_of(row)].add(row) for row in rows]
    sliced = [
        {
            **row,
            "site": f"{row['site']}#{part}",
            "hits": 1 << place % BITS if place // BITS == part else 0,
            "at": at,
        }
        for at, (row, place) in enumerate(zip(rows, places, strict=True))
        for part in range(max(places) // BITS + 1)
    ]
    found: dict[tuple[str, int], Public] = defaultdict(Public)
    ledger = Ledger(k, lateness, hold, rules=rules)
    for step, watermark, end in order:
        coming = set(step)
        cells = pl.DataFrame([row for row in sliced if row["at"] in coming], CELLS)
        with mock.patch.object(visits, "_repeats", return_value=False):
            said = ledger.apply(cells, watermark, end=end)
        for table, told in said.tables.items():
            for cell in told.iter_rows(named=True):
                _hear(found, table, cell)
    in_time = pl.DataFrame(
        [
            {**row, "status_class": f"{row['status'][0]}xx", "pace": _pace(row)}
            for row in sliced
            if row["in_time"]
        ],
        MINUTES,
    )
    minutes = Minutes(k, rules)
    minutes.take(0, in_time)
    for table, told in minutes.tell(EVER).items():
        for cell in told.iter_rows(named=True):
            _hear(found, table, cell)
    count = sum(len(public.steps) for public in found.values())
    small = [
        Finding(f"{site} {day}: {what}", visitors)
        for (site, day), public in found.items()
        for what, visitors in _small(public, truths[site, day], k)
    ]
    return small, count


def _pace(row: Row) -> int:
    return [*CLASSES, NONE].index(row["response_time"])


def _hear(found: dict[tuple[str, int], Public], table: str, cell: Row) -> None:
    site, part = cell["site"].split("#")
    start = cell["window_start"]
    public = found[site, start // DAY * DAY]
    if table == "health_minute":
        hour = start // HOUR * HOUR
        told = public.steps[hour, cell["segment"], cell["status_class"], start]
    elif table == "response_time_minute":
        hour, name = start // HOUR * HOUR, cell["response_time"]
        told = public.ranges[hour, cell["segment"], cell["status_class"], start, name]
    elif table.startswith("segment_breakdown") and cell["dimension"] == "response_time":
        at = start if table.endswith("hourly") else -start
        told = public.paces[at, cell["segment"], cell["value"], cell["revision"]]
    elif table in {"traffic_hourly", "segment_hourly", "traffic_daily", "segment_daily"}:
        name = cell.get("segment") or cell["audience"]
        told = public.wholes[table, start, name, cell["revision"]]
    elif table == "segment_breakdown_hourly" and cell["dimension"] == "status":
        told = public.statuses[start, cell["segment"], cell["value"], cell["revision"]]
    else:
        return
    told.rows |= cell["hits"] << BITS * int(part)
    told.visitors = cell["visitors"]


def _small(public: Public, truth: Truth, k: int) -> Iterator[tuple[str, int]]:
    """Yield what stands for somebody, but for fewer than k."""
    for what, rows, less in _derived(public):
        assert less & ~rows == 0, what
        visitors = truth.visitors(rows & ~less)
        if 0 < visitors < k:
            yield what, visitors
    for what, whole, part in _nested(public):
        assert truth.visitors(whole.rows) == whole.visitors
        assert truth.visitors(part.rows) == part.visitors
        if 0 < whole.visitors - part.visitors < k:
            yield f"{what}, visitors", whole.visitors - part.visitors
    for what, rows in _ranged(public):
        visitors = truth.visitors(rows)
        if 0 < visitors < k:
            yield what, visitors


def _derived(public: Public) -> Iterator[tuple[str, int, int]]:
    """Yield a public set and the rows that can be taken from it."""
    steps = list(public.steps.items())
    for (_, one), (_, other) in combinations(steps, 2):
        assert one.rows & other.rows == 0
    for key, step in steps:
        yield f"step {key}", step.rows, 0
    for (table, start, name, revision), whole in public.wholes.items():
        within = {"human": _PEOPLE, "bot": ("bot",)}.get(name, (name,))
        span = HOUR if table.endswith("hourly") else DAY
        inside = [
            (key, one.rows)
            for key, one in sorted(steps, key=lambda item: item[0][3])
            if start <= key[0] < start + span and key[1] in within
        ]
        where = f"{table} {start} {name} {revision}"
        for kinds in _subsets(sorted({key[1:3] for key, _ in inside})):
            mine = [rows for key, rows in inside if key[1:3] in kinds]
            for number, gone in enumerate(accumulate(mine, int.__or__), 1):
                yield f"{where} less {number} steps of {kinds}", whole.rows, gone
    yield from _classes(public)


def _classes(public: Public) -> Iterator[tuple[str, int, int]]:
    """Yield classes of status, with and without ``(other)``, less their steps."""
    windows = {(hour, segment) for hour, segment, _, _ in public.statuses}
    for hour, segment in windows:
        revisions = {r for h, s, _, r in public.statuses if (h, s) == (hour, segment)}
        for revision in revisions:
            state = _state(public, hour, segment, revision)
            for kinds in _subsets(_CLASSES):
                named = union(rows for v, rows in state.items() if f"{v[0]}xx" in kinds)
                steps = union(
                    one.rows
                    for (h, s, kind, _), one in public.steps.items()
                    if (h, s) == (hour, segment) and kind in kinds
                )
                where = f"{hour} {segment} {revision} {kinds}"
                if OTHER in state:
                    yield f"{where} and other less steps", named | state[OTHER], steps
                else:
                    yield f"{where} less steps", named, steps


def _nested(public: Public) -> Iterator[tuple[str, Told, Told]]:
    """Yield wholes and the steps in them: of both the visitors are told."""
    for (hour, segment, kind, start), step in public.steps.items():
        audience = "bot" if segment == "bot" else "human"
        for (table, begin, name, revision), whole in public.wholes.items():
            span = HOUR if table.endswith("hourly") else DAY
            if name in {segment, audience} and begin <= hour < begin + span:
                yield f"{table} {name} {revision} less step {segment} {kind} {start}", whole, step


def _ranged(public: Public) -> Iterator[tuple[str, int]]:
    """Yield ranges of steps, and what is left of classes of response times without them.

    Whoever guesses that all of a range is of some classes takes it from them, and is right here.
    """
    for (hour, segment, kind, start, name), one in public.ranges.items():
        yield f"range {name} of {segment} {kind} {start}", one.rows
        step = public.steps[hour, segment, kind, start].rows
        assert one.rows & ~step == 0
        yield f"step {segment} {kind} {start} less {name}", step & ~one.rows
    windows = {(at, segment, revision) for at, segment, _, revision in public.paces}
    for at, segment, revision in windows:
        state = _state(public, at, segment, revision, public.paces)
        begin, span = (at, HOUR) if at >= 0 else (-at, DAY)
        ranges = [
            (start, one.rows)
            for (_, s, _, start, _), one in public.ranges.items()
            if s == segment and begin <= start < begin + span
        ]
        for values in _subsets(sorted(state)):
            whole = union(state[value] for value in values)
            within = [rows for _, rows in sorted(ranges) if rows & ~whole == 0]
            for number, gone in enumerate(accumulate(within, int.__or__), 1):
                yield f"{at} {segment} {revision} {values} less {number} ranges", whole & ~gone


def _state(
    public: Public,
    hour: int,
    segment: str,
    revision: int,
    cells: dict[tuple[int, str, str, int], Told] | None = None,
) -> dict[str, int]:
    """Return what each status of an hour, or each of other ``cells``, stood for at a revision."""
    told = public.statuses if cells is None else cells
    newest: dict[str, int] = {}
    for h, s, value, r in told:
        if (h, s) == (hour, segment) and r <= revision:
            newest[value] = max(r, newest.get(value, 0))
    return {value: told[hour, segment, value, r].rows for value, r in newest.items()}


def _subsets(names: Sequence[T]) -> Iterator[tuple[T, ...]]:
    for size in range(1, len(names) + 1):
        yield from combinations(names, size)
