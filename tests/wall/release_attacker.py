"""An attacker who holds everything that was ever released, and works out every difference.

The release never looks at hits, so the attacker may choose them: every row gets a bit of its own,
and the hits of a cell spell out which rows it stands for. A day with more rows than an integer
has bits is released as several identical sites, each carrying the bits of one slice.

A set of rows is an int with a bit per row of its (site, day); nothing here knows the release's
code or its marks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final
from unittest import mock

import polars as pl

from pipeline.events import DIMENSIONS
from pipeline.release import visits
from pipeline.release.crossings import Crossings
from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.rows import CELLS, DAY, HOUR, OTHER
from tests.wall.crossing_attacker import Pairs, crossing_sets, union

BITS: Final = 63
WITHIN: Final = {name: parent for name, parent in DIMENSIONS.items() if parent is not None}
"""What every reader of the declaration knows to nest."""
TOTAL: Final = "total"
"""The name of a window's own rows: those of a segment, or of people and bots where all are told."""
ALL: Final = "all segments"

Step = tuple[list[int], int | None, bool]
"""One apply: places of its rows, watermark, end."""
History = dict[int, int]
"""Revision → the set of rows a cell stood for."""
Window = dict[tuple[str, str], History]
"""(dimension or TOTAL, value) → its history, of one window."""
Said = dict[tuple[str, str, int], int]
"""(dimension or TOTAL, value, revision) → published visitors, of one window."""
At = tuple[str, str, str, int]
"""Pace, site, segment or ALL, start: a window."""


@dataclass
class Finding:
    """A derivable set of rows that stands for too few visitors."""

    what: str
    visitors: int


@dataclass
class Truth:
    """The rows of one site and day, and who is behind a set of them."""

    rows: list[dict[str, object]] = field(default_factory=list)
    people: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    _counted: dict[int, int] = field(default_factory=dict)
    """Sets that were counted before: the same ones are derived again and again."""

    def add(self, row: dict[str, object]) -> int:
        """Return the row's place."""
        self._counted.clear()
        self.people[row["visitor"]] |= 1 << len(self.rows)
        self.rows.append(row)
        return len(self.rows) - 1

    def visitors(self, rows: int) -> int:
        """Return the number of distinct visitors in a set of rows."""
        if (count := self._counted.get(rows)) is None:
            count = sum(1 for mine in self.people.values() if mine & rows)
            self._counted[rows] = count
        return count


def day_of(row: dict[str, object]) -> tuple[str, int]:
    """Return the site and day of a row."""
    return str(row["site"]), int(str(row["hour"])) // DAY * DAY


def attack(
    rows: list[dict[str, object]],
    steps: list[Step],
    k: int,
    lateness: int,
    hold: int,
    rules: Rules | None = None,
    crossings: Crossings | None = None,
    place_floor: int = 1,
) -> list[Finding]:
    """Release ``rows`` in ``steps`` and return every small set that can be derived."""
    truths: dict[tuple[str, int], Truth] = defaultdict(Truth)
    places = [truths[day_of(row)].add(row) for row in rows]
    slices = max(places) // BITS + 1
    ledger = Ledger(k, lateness, hold, place_floor=place_floor, rules=rules, crossings=crossings)
    crossed: dict[tuple[str, str, int], Pairs] = defaultdict(lambda: defaultdict(int))
    windows: dict[At, Window] = defaultdict(lambda: defaultdict(dict))
    said: dict[At, Said] = defaultdict(dict)
    for step, watermark, end in steps:
        parts = [
            {
                **rows[at],
                "site": f"{rows[at]['site']}#{part}",
                "hits": 1 << places[at] % BITS if places[at] // BITS == part else 0,
            }
            for at in step
            for part in range(slices)
        ]
        # A row's hits are a name here, and not so many views of one second.
        with mock.patch.object(visits, "_repeats", return_value=False):
            output = ledger.apply(pl.DataFrame(parts, schema=CELLS), watermark, end=end)
        for table, cells in output.tables.items():
            if table == "pair_daily":
                for cell in cells.to_dicts():
                    site, part = str(cell["site"]).split("#")
                    pairs = crossed[site, cell["segment"], cell["window_start"]]
                    pair = cell["dimension"], cell["value"], cell["across"], cell["across_value"]
                    pairs[pair] |= cell["hits"] << BITS * int(part)
                continue
            pace = table.rpartition("_")[2]
            for cell in cells.to_dicts():
                site, part = str(cell["site"]).split("#")
                segment = cell.get("segment", ALL)
                name = cell.get("dimension", TOTAL)
                value = cell.get("value", cell.get("audience", segment))
                at = (pace, site, segment, cell["window_start"])
                history = windows[at][name, value]
                held = history.get(cell["revision"], 0)
                history[cell["revision"]] = held | cell["hits"] << BITS * int(part)
                visitors = said[at].setdefault((name, value, cell["revision"]), cell["visitors"])
                assert visitors == cell["visitors"]
    found = list(_derive(windows, truths, said, k))
    for (site, segment, start), pairs in crossed.items():
        truth = truths[site, start]
        day = _state(windows["daily", site, segment, start], 1)
        slots = [
            slot
            for hour in range(start, start + DAY, HOUR)
            if ("hourly", site, segment, hour) in windows
            for slot in _slots(windows["hourly", site, segment, hour])
        ]
        sets = crossing_sets(pairs, day, slots, truth.rows)
        found += _check(truth, k, f"pairs {site} {segment} {start}", sets)
    return found


def _derive(
    windows: dict[At, Window],
    truths: dict[tuple[str, int], Truth],
    said: dict[At, Said],
    k: int,
) -> Iterator[Finding]:
    for at, window in windows.items():
        pace, site, segment, start = at
        truth = truths[site, start // DAY * DAY]
        _honest(window, truth, said[at])
        where = f"{pace} {site} {segment} {start}"
        yield from _check(truth, k, where, _within_window(window, truth, k))
    for (pace, site, segment, start), day in windows.items():
        # A segment that came with a late edition has no hours to be set against.
        if pace == "daily" and 1 in _revisions(day):
            hours = [
                windows["hourly", site, segment, hour]
                for hour in range(start, start + DAY, HOUR)
                if ("hourly", site, segment, hour) in windows
            ]
            truth = truths[site, start]
            where = f"{site} {segment} {start}"
            yield from _check(truth, k, f"day less hours {where}", _across(day, hours))
            grown = _grown(_state(day, 1), hours, truth, k)
            yield from _check(truth, k, f"day less one hour {where}", grown)


def _honest(window: Window, truth: Truth, said: Said) -> None:
    """Every number is what it claims to be, and each dimension adds up to the traffic."""
    for (name, value, revision), visitors in said.items():
        assert truth.visitors(window[name, value][revision]) == visitors
    for revision in _revisions(window):
        now = _state(window, revision)
        total = sum(rows for (name, _), rows in now.items() if name == TOTAL)
        for dimension in {name for name, _ in now}:
            cells = [rows for (name, _), rows in now.items() if name == dimension]
            assert sum(cells) == total
            assert union(cells) == total


def _check(truth: Truth, k: int, where: str, sets: Iterable[tuple[str, int]]) -> Iterator[Finding]:
    for what, rows in sets:
        visitors = truth.visitors(rows)
        if 0 < visitors < k:
            yield Finding(f"{where}: {what}", visitors)


def _within_window(window: Window, truth: Truth, k: int) -> Iterator[tuple[str, int]]:
    """Cells, what a revision adds to the one before, parents less their leaves."""
    for (name, value), history in window.items():
        revisions = [0, *(history[at] for at in sorted(history))]
        for before, after in pairwise(revisions):
            assert before & ~after == 0
            yield f"{name} {value}", after
            yield f"{name} {value}, gained", after & ~before
            new = truth.visitors(after) - truth.visitors(before)
            if 0 < new < k and before:
                yield f"{name} {value}, visitors gained", _of_visitors(truth, new)
    folded = _folded(window)
    for key, history in folded.items():
        for rows in history.values():
            yield f"folded within {key}, gained", rows


def _of_visitors(truth: Truth, count: int) -> int:
    """Return some set of rows of exactly ``count`` visitors, to report a count alone."""
    return union(list(truth.people.values())[:count])


def _folded(window: Window) -> dict[tuple[str, str], History]:
    """Return per (child dimension, parent value) what each revision adds to its folded leaves."""
    gains: dict[tuple[str, str], History] = defaultdict(dict)
    before: dict[tuple[str, str], int] = {}
    for revision in _revisions(window):
        now = _state(window, revision)
        for child, parent in WITHIN.items():
            for (name, value), rows in now.items():
                if name == parent and value != OTHER:
                    rest = rows & now.get((child, OTHER), 0)
                    gains[child, value][revision] = rest & ~before.get((child, value), 0)
                    before[child, value] = rest
    return gains


@dataclass
class _Linked:
    """A day's first revision and all that its hours had said before it."""

    first: dict[tuple[str, str], int]
    hours: list[Window]

    def __post_init__(self) -> None:
        self.last = [_state(hour, max(_revisions(hour))) for hour in self.hours]
        self.folds = [_folded(hour) for hour in self.hours]
        self.arrivals = {
            value: rows & ~self.in_hours(name, value)
            for (name, value), rows in self.first.items()
            if name == TOTAL
        }

    def in_hours(self, name: str, value: str) -> int:
        return union(state.get((name, value), 0) for state in self.last)

    def gained(self, dimension: str) -> list[int]:
        """What each own cell of the day has that its hours had not."""
        return [
            rows & ~self.in_hours(dimension, value)
            for (name, value), rows in self.first.items()
            if name == dimension and value != OTHER
        ]

    def rest(self, dimension: str) -> int:
        """The day's ``(other)`` less what the hours showed of it under its own values."""
        shown = union(
            rows
            for state in self.last
            for (name, value), rows in state.items()
            if name == dimension and value != OTHER
        )
        return self.first.get((dimension, OTHER), 0) & ~shown

    def others(self, dimension: str) -> list[int]:
        return [gain for hour in self.hours for gain in _gains(hour, (dimension, OTHER))]

    def folded(self, dimension: str, parent_value: str | None = None) -> list[int]:
        """What each edition of each hour folded within a parent value, or within each."""
        return [
            gain
            for fold in self.folds
            for (child, value), gains in fold.items()
            if child == dimension and parent_value in {None, value}
            for gain in gains.values()
        ]


def _grown(
    first: dict[tuple[str, str], int], hours: list[Window], truth: Truth, k: int
) -> Iterator[tuple[str, int]]:
    """Visitors of a day's cell less those of the only hour that showed it."""
    last = [_state(hour, max(_revisions(hour))) for hour in hours]
    for (name, value), rows in first.items():
        shown = [state[name, value] for state in last if (name, value) in state]
        if len(shown) == 1 and value != OTHER:
            new = truth.visitors(rows) - truth.visitors(shown[0])
            if 0 < new < k:
                yield f"{name} {value}, visitors gained", _of_visitors(truth, new)


def _across(day: Window, hours: list[Window]) -> Iterator[tuple[str, int]]:
    """The day's first revision against all that its hours said before it."""
    linked = _Linked(_state(day, 1), hours)
    for value, rows in linked.arrivals.items():
        yield f"traffic of {value}", rows
    for dimension in {name for name, _ in linked.first} - {TOTAL}:
        parent = WITHIN.get(dimension)
        if parent is None:
            slots = [*linked.others(dimension), *linked.arrivals.values()]
            sets = _crossed(slots, linked.gained(dimension), linked.rest(dimension))
            yield from ((f"{dimension}: {what}", rows) for what, rows in sets)
        else:
            yield from _across_leaves(linked, dimension, parent)


def _across_leaves(linked: _Linked, dimension: str, parent: str) -> Iterator[tuple[str, int]]:
    """The leaves within each value of the parent, and over all of them."""
    rest, gained = linked.rest(dimension), linked.gained(dimension)
    wholes = {value: rows for (name, value), rows in linked.first.items() if name == parent}
    slots = [*linked.others(parent), *linked.folded(dimension), *linked.arrivals.values()]
    leaves = [rows & whole for rows in gained for whole in wholes.values() if rows & whole]
    rests = [rest & whole for whole in wholes.values()]
    for what, rows in _crossed(slots, leaves, rest, rests):
        yield f"{dimension} across {parent}: {what}", rows
    for value, whole in wholes.items():
        if value != OTHER:
            arrived = whole & ~linked.in_hours(parent, value)
            slots = [*linked.folded(dimension, value), arrived]
            leaves = [rows & whole for rows in gained if rows & whole]
            for what, rows in _crossed(slots, leaves, rest & whole):
                yield f"{dimension} within {value}: {what}", rows


def _crossed(
    slots: list[int], columns: list[int], rest: int, rests: list[int] | None = None
) -> Iterator[tuple[str, int]]:
    """Slots and columns are two partitions of the same rows, both known as sums.

    ``rests`` are the parts of ``rest`` that are known one by one, where there is more than one.
    """
    slots = [slot for slot in slots if slot]
    if apart := union(slots) ^ union([*columns, rest]):
        # Only where a leaf was shown outside its parent; else both add up to the same rows.
        yield "parts that do not add up", apart
        return
    taken = union(columns)
    for column in columns:
        yield "a cell less its hours", column
    yield "other less its own hours' cells", rest
    yield "touched slots less the cells", union(s for s in slots if s & taken) & ~taken
    yield "touched slots less other", union(s for s in slots if s & rest) & ~rest
    for slot in slots:
        inside = union(column for column in [*columns, *(rests or [rest])] if column & ~slot == 0)
        yield "a slot less the cells inside it", slot & ~inside


def _gains(window: Window, key: tuple[str, str]) -> list[int]:
    history = window.get(key, {})
    revisions = [0, *(history[at] for at in sorted(history))]
    return [after & ~before for before, after in pairwise(revisions)]


def _revisions(window: Window) -> list[int]:
    return sorted({revision for history in window.values() for revision in history})


def _state(window: Window, revision: int) -> dict[tuple[str, str], int]:
    """Return what the window's cells stood for at a revision."""
    state = {}
    for key, history in window.items():
        if at := [r for r in history if r <= revision]:
            state[key] = history[max(at)]
    return state


def _slots(hour: Window) -> list[dict[tuple[str, str], int]]:
    """Return what an hour has said in all, and what each edition of it has."""
    states = [{}, *(_state(hour, revision) for revision in _revisions(hour))]
    gains = [
        {key: mask & ~before.get(key, 0) for key, mask in after.items()}
        for before, after in pairwise(states)
    ]
    return [states[-1], *gains]
