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

import polars as pl

from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.rows import CELLS, DAY, HOUR, OTHER

BITS: Final = 63
WITHIN: Final = {
    "referrer": "referrer_kind",
    "browser": "audience",
    "system": "audience",
    "device": "audience",
}
"""What every reader of the documentation knows to nest: kinds and their hosts; and a bot is
``(bot)`` in browser, system and device."""

Step = tuple[list[int], int | None, bool]
"""One apply: places of its rows, watermark, end."""
History = dict[int, int]
"""Revision → the set of rows a cell stood for."""
Window = dict[tuple[str, str], History]
"""(dimension or "audience", value) → its history, of one window."""


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

    def add(self, row: dict[str, object]) -> int:
        """Return the row's place."""
        self.people[row["visitor"]] |= 1 << len(self.rows)
        self.rows.append(row)
        return len(self.rows) - 1

    def visitors(self, rows: int) -> int:
        """Return the number of distinct visitors in a set of rows."""
        return sum(1 for mine in self.people.values() if mine & rows)


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
) -> list[Finding]:
    """Release ``rows`` in ``steps`` and return every small set that can be derived."""
    truths: dict[tuple[str, int], Truth] = defaultdict(Truth)
    places = [truths[day_of(row)].add(row) for row in rows]
    slices = max(places) // BITS + 1
    ledger = Ledger(k, lateness, hold, rules=rules)
    windows: dict[tuple[str, str, int], Window] = defaultdict(lambda: defaultdict(dict))
    said: dict[object, int] = {}
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
        output = ledger.apply(pl.DataFrame(parts, schema=CELLS), watermark, end=end)
        for table, cells in output.tables.items():
            kind, pace = table.split("_")
            for cell in cells.to_dicts():
                site, part = str(cell["site"]).split("#")
                name = "audience" if kind == "traffic" else cell["dimension"]
                value = cell["audience"] if kind == "traffic" else cell["value"]
                window = windows[pace, site, cell["window_start"]]
                history = window[name, value]
                held = history.get(cell["revision"], 0)
                history[cell["revision"]] = held | cell["hits"] << BITS * int(part)
                key = (table, site, cell["window_start"], name, value, cell["revision"])
                assert said.setdefault(key, cell["visitors"]) == cell["visitors"]
    return list(_derive(windows, truths, said, k))


def _derive(
    windows: dict[tuple[str, str, int], Window],
    truths: dict[tuple[str, int], Truth],
    said: dict[object, int],
    k: int,
) -> Iterator[Finding]:
    for (pace, site, start), window in windows.items():
        truth = truths[site, start // DAY * DAY]
        _honest(
            window, truth, {key: n for key, n in said.items() if key[1:3] == (site, start)}, pace
        )  # type: ignore[index]
        yield from _check(truth, k, f"{pace} {site} {start}", _within_window(window, truth, k))
    for (pace, site, start), day in windows.items():
        if pace == "daily":
            hours = [
                windows["hourly", site, hour]
                for hour in range(start, start + DAY, HOUR)
                if ("hourly", site, hour) in windows
            ]
            truth = truths[site, start]
            yield from _check(truth, k, f"day less hours {site} {start}", _across(day, hours))


def _honest(window: Window, truth: Truth, said: dict[object, int], pace: str) -> None:
    """Every number is what it claims to be, and each dimension adds up to the traffic."""
    for key, visitors in said.items():
        table, _, _, name, value, revision = key  # type: ignore[misc]
        if table.endswith(pace):
            assert truth.visitors(window[name, value][revision]) == visitors
    for revision in _revisions(window):
        now = _state(window, revision)
        total = sum(rows for (name, _), rows in now.items() if name == "audience")
        for dimension in {name for name, _ in now}:
            cells = [rows for (name, _), rows in now.items() if name == dimension]
            assert sum(cells) == total
            assert _union(cells) == total


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
    return _union(list(truth.people.values())[:count])


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


def _across(day: Window, hours: list[Window]) -> Iterator[tuple[str, int]]:
    """The day's first revision against all that its hours said before it."""
    first = _state(day, 1)
    last = [_state(hour, max(_revisions(hour))) for hour in hours]

    def from_hours(name: str, value: str) -> int:
        return _union(state.get((name, value), 0) for state in last)

    arrivals = {
        value: rows & ~from_hours(name, value)
        for (name, value), rows in first.items()
        if name == "audience"
    }
    for value, rows in arrivals.items():
        yield f"traffic of {value}", rows
    for dimension in {name for name, _ in first} - {"audience"}:
        others = [gain for hour in hours for gain in _gains(hour, (dimension, OTHER))]
        gained = {
            value: rows & ~from_hours(dimension, value)
            for (name, value), rows in first.items()
            if name == dimension and value != OTHER
        }
        rest = first.get((dimension, OTHER), 0)
        # Own cells of the hours that the day folds are known all the same.
        rest &= ~_union(
            rows
            for state in last
            for (name, value), rows in state.items()
            if name == dimension and value != OTHER
        )
        if dimension not in WITHIN:
            slots = [*others, *arrivals.values()]
            for what, rows in _crossed(slots, list(gained.values()), rest):
                yield f"{dimension}: {what}", rows
            yield f"{dimension}: arrivals in other", rest & _union(arrivals.values())
            continue
        parent = WITHIN[dimension]
        if parent != "audience":
            slots = [gain for hour in hours for gain in _gains(hour, (parent, OTHER))]
            slots += [
                gain
                for hour in hours
                for (child, _), gains in _folded(hour).items()
                if child == dimension
                for gain in gains.values()
            ]
            wholes = [rows for (name, value), rows in first.items() if name == parent]
            for what, rows in _crossed(
                [*slots, *arrivals.values()],
                [rows & whole for rows in gained.values() for whole in wholes if rows & whole],
                rest,
                [rest & whole for whole in wholes],
            ):
                yield f"{dimension} across {parent}: {what}", rows
            yield f"{dimension}: arrivals in other", rest & _union(arrivals.values())
        for (name, value), whole in first.items():
            if name != parent or value == OTHER:
                continue
            in_hours = from_hours(parent, value)
            slots = [
                gain
                for hour in hours
                for gain in _folded(hour).get((dimension, value), {}).values()
            ]
            leaves = [rows & whole for rows in gained.values() if rows & whole]
            slots.append(whole & ~in_hours)
            for what, rows in _crossed(slots, leaves, rest & whole):
                yield f"{dimension} within {value}: {what}", rows
            yield f"{dimension} within {value}: arrivals in other", rest & whole & ~in_hours


def _crossed(
    slots: list[int], columns: list[int], rest: int, rests: list[int] | None = None
) -> Iterator[tuple[str, int]]:
    """Slots and columns are two partitions of the same rows, both known as sums.

    ``rests`` are the parts of ``rest`` that are known one by one, where there is more than one.
    """
    slots = [slot for slot in slots if slot]
    if apart := _union(slots) ^ _union([*columns, rest]):
        # Only where a leaf was shown outside its parent; else both add up to the same rows.
        yield "parts that do not add up", apart
        return
    taken = _union(columns)
    for column in columns:
        yield "a cell less its hours", column
    yield "other less its own hours' cells", rest
    yield "touched slots less the cells", _union(s for s in slots if s & taken) & ~taken
    yield "touched slots less other", _union(s for s in slots if s & rest) & ~rest
    for slot in slots:
        inside = _union(column for column in [*columns, *(rests or [rest])] if column & ~slot == 0)
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


def _union(sets: Iterable[int]) -> int:
    whole = 0
    for rows in sets:
        whole |= rows
    return whole
