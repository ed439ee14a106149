"""The attacker of ``pipeline.attack`` with the truth at hand.

The release never looks at hits, so each row gets a bit of its own as its hits: sums and differences
of published numbers are then sums and differences of sets of rows, and what the attacker works out
says which rows it stands for. A day with more rows than an integer has bits is released as several
identical sites, each carrying the bits of one slice, and put together again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from typing import Final, Self
from unittest import mock

import polars as pl

from pipeline import policy
from pipeline.attack.numbers import Day, Number, by_day, number
from pipeline.attack.relations import Derived, Kind, Relation
from pipeline.attack.tries import derivable, told
from pipeline.attack.windows import Knowledge
from pipeline.events import DIMENSIONS
from pipeline.release import visits
from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.rows import CELLS, DAY

BITS: Final = 63
CROSSINGS: Final = policy.load().current.crossings

Step = tuple[list[int], int | None, bool]
"""One apply: places of its rows, watermark, end."""
Row = dict[str, object]


@dataclass
class Truth:
    """The rows of one site and day, and who is behind a set of them."""

    rows: list[Row] = field(default_factory=list)
    people: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    _counted: dict[int, int] = field(default_factory=dict)

    def add(self, row: Row) -> int:
        """Return the row's place."""
        self.people[row["visitor"]] |= 1 << len(self.rows)
        self.rows.append(row)
        return len(self.rows) - 1

    def visitors(self, rows: int) -> int:
        """Return the number of distinct visitors in a set of rows."""
        if rows not in self._counted:
            self._counted[rows] = sum(1 for mine in self.people.values() if mine & rows)
        return self._counted[rows]


@dataclass
class Tried:
    """How many sets were derived by kind, and what was found among them.

    ``chance`` counts published sets that lie in another and leave 1 to k-1 visitors, though no rule
    of the tables says that they do: the measure of what linking dimensions from outside may tell.
    """

    kinds: Counter[Kind] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    chance: int = 0

    def __iadd__(self, other: Tried) -> Self:
        self.kinds.update(other.kinds)
        self.findings += other.findings
        self.chance += other.chance
        return self


def attack(
    rows: list[Row],
    steps: list[Step],
    k: int,
    lateness: int,
    hold: int,
    rules: Rules | None = None,
    *,
    editions: bool = False,
) -> Tried:
    """Release ``rows`` in ``steps`` and derive every set; of 1 to k-1 visitors it is a finding."""
    truths: dict[tuple[str, int], Truth] = defaultdict(Truth)
    places = [truths[_day_of(row)].add(row) for row in rows]
    numbers = _released(
        rows, places, steps, Ledger(k, lateness, hold, rules=rules, crossings=CROSSINGS)
    )
    found = Tried()
    for day in by_day(numbers):
        found += _tried(day, truths[day.site, day.start], k, editions=editions)
    return found


def _day_of(row: Row) -> tuple[str, int]:
    return str(row["site"]), int(str(row["hour"])) // DAY * DAY


def _released(
    rows: list[Row], places: list[int], steps: list[Step], ledger: Ledger
) -> Iterable[Number]:
    """Return every number that was ever released, its hits the set of rows it stands for."""
    slices = max(places) // BITS + 1
    whole: dict[Number, int] = defaultdict(int)
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
            for cell in cells.to_dicts():
                site, part = str(cell["site"]).split("#")
                row = {**cell, "site": site, "ingest": "", "start": cell["window_start"]}
                one = number(table, row)
                key = replace(one, hits=0, bytes=None)
                whole[key] |= one.hits << BITS * int(part)
    return [replace(key, hits=hits) for key, hits in whole.items()]


def _tried(day: Day, truth: Truth, k: int, *, editions: bool) -> Tried:
    found = Tried()
    everything = (1 << len(truth.rows)) - 1
    structural: set[tuple[int, int]] = set()
    for relation, one in derivable(day, _known(truth, editions=editions)):
        found.kinds[one.kind] += 1
        rows = one.hits
        if not 0 <= rows <= everything or one.kind == "contradiction":
            found.findings.append(f"{one.what}: no set of rows")
            continue
        if relation is not None:
            structural.update((part.hits, relation.whole.hits) for part in one.less)
            if (wrong := _contradiction(relation, one)) is not None:
                found.findings.append(f"{one.what}: {wrong}")
                continue
            if relation.grows and 0 < (one.visitors or 0) < k:
                found.findings.append(f"{one.what}: {one.visitors} new visitors")
        elif one.kind == "number":
            assert one.whole.visitors == truth.visitors(rows), one.what
        if 0 < truth.visitors(rows) < k:
            found.findings.append(f"{one.what}: {truth.visitors(rows)} visitors")
    found.chance = _by_chance({part.hits for part in told(day)}, structural, truth, k)
    return found


def _contradiction(relation: Relation, one: Derived) -> str | None:
    """Say where the tables are not what their structure says, None where they are."""
    taken = 0
    for part in one.less:
        if part.hits & ~relation.whole.hits:
            return "a part outside its whole"
        if part.hits & taken:
            return "parts that share a row"
        taken |= part.hits
    if relation.exact and len(one.less) == len(relation.parts) and one.hits:
        return "parts that do not make up the whole"
    return None


def _by_chance(sets: set[int], structural: set[tuple[int, int]], truth: Truth, k: int) -> int:
    return sum(
        1
        for one, two in combinations(sorted(sets, key=int.bit_count), 2)
        if one & ~two == 0 and (one, two) not in structural and 0 < truth.visitors(two & ~one) < k
    )


def _known(truth: Truth, *, editions: bool) -> Knowledge:
    """Return the knowledge of a reader who knows of every leaf what it stands within."""

    @cache
    def parents(dimension: str, leaf: str) -> frozenset[str] | None:
        parent = DIMENSIONS[dimension]
        if parent is None or parent not in DIMENSIONS:
            return None
        return frozenset(str(row[parent]) for row in truth.rows if row[dimension] == leaf)

    return Knowledge(parents, editions, visits=False)
