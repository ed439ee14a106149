"""Tries everything on the days of a table's worth of numbers, and says what was found."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from pipeline.attack.days import crossed, of_hours
from pipeline.attack.linear import System, solved
from pipeline.attack.numbers import Day, Number, by_day
from pipeline.attack.pairs import confined, equal, leaves, margins, pair_tables
from pipeline.attack.paths import paths
from pipeline.attack.relations import Derived, Kind, Part, Relation, derived, suspect, tried
from pipeline.attack.step_times import of_ranges, span
from pipeline.attack.steps import of_steps, step
from pipeline.attack.triangles import triangles
from pipeline.attack.windows import COMMON, Knowledge, Seen, of_window

Fault = Literal["few", "grown", "inconsistent"]
"""A set of 1 to k-1 hits; a set that grew by 1 to k-1 visitors; numbers that contradict others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was worked out that should not be, and the hits and visitors that it has."""

    fault: Fault
    site: str
    ingest: str
    what: str
    hits: int
    visitors: int | None = None


@dataclass(slots=True)
class Found:
    """What was tried, and what came of it.

    ``overlaps`` are the differences of 1 to k-1 between the visitors of nested sets whose remainder
    has hits enough: docs/release.md lists what they tell as a known limit.
    """

    numbers: int = 0
    days: int = 0
    tried: Counter[Kind] = field(default_factory=Counter)
    systems: int = 0
    left_out: int = 0
    unsettled: int = 0
    overlaps: int = 0
    findings: list[Finding] = field(default_factory=list)


def attack(numbers: Iterable[Number], k: int, known: Knowledge = COMMON) -> Found:
    """Try everything on ``numbers`` that needs no truth; ``k`` counts distinct visitors."""
    found = Found()
    for day in by_day(numbers):
        attack_day(day, k, found, known)
    return found


def attack_day(day: Day, k: int, found: Found, known: Knowledge = COMMON) -> None:
    """Try everything on one day, and add to ``found``."""
    found.days += 1
    judge = _Judge(day, k, found)
    for part in told(day):
        judge.number(part)
    for relation in relations(day, known, frozen=k > 1):
        found.tried.update(tried(relation))
        for one in suspect(relation, k):
            judge.difference(relation, one)
    for system in systems(day, known, frozen=k > 1):
        found.systems += 1
        for one in solved(system):
            judge.worked_out(one)
        found.left_out += system.left_out


class _Judge:
    """Says of each set whether it betrays somebody, as far as its numbers show."""

    def __init__(self, day: Day, k: int, found: Found) -> None:
        self._day = day
        self._k = k
        self._found = found
        self._said: set[tuple[Fault, str]] = set()

    def number(self, part: Part) -> None:
        """Look at a number as it was told."""
        self._found.numbers += 1
        self._found.tried["number"] += 1
        what, visitors = f"a number by itself: {part.name}", part.visitors or 0
        if self._few(part.hits) or self._few(visitors):
            self._add("few", what, part.hits, visitors)
        if visitors > part.hits or (part.hits and not visitors):
            self._add("inconsistent", what, part.hits, visitors)

    def difference(self, relation: Relation, one: Derived) -> None:
        """Look at what is left of a whole."""
        if self._few(one.hits):
            self._add("few", one.what, one.hits, one.visitors)
        if contradicts(relation, one):
            self._add("inconsistent", one.what, one.hits, one.visitors)
        if one.visitors is not None and self._few(one.visitors):
            if relation.grows:
                self._add("grown", one.what, one.hits, one.visitors)
            else:
                self._found.overlaps += 1

    def worked_out(self, one: Derived) -> None:
        """Look at what a system determines."""
        self._found.tried["system"] += 1
        if self._few(one.hits):
            self._add("few", one.what, one.hits)
        if one.hits < 0 or one.kind == "contradiction":
            self._add("inconsistent", one.what, one.hits)

    def _few(self, count: int) -> bool:
        return 0 < count < self._k

    def _add(self, fault: Fault, what: str, hits: int, visitors: int | None = None) -> None:
        if (fault, what) not in self._said:
            self._said.add((fault, what))
            finding = Finding(fault, self._day.site, self._day.ingest, what, hits, visitors)
            self._found.findings.append(finding)


def contradicts(relation: Relation, one: Derived) -> bool:
    """Tell whether what is left cannot be: below nought, or somebody without a hit."""
    if one.hits < 0 or (one.bytes or 0) < 0 or (one.visitors or 0) < 0:
        return True
    if one.visitors is not None and one.visitors > one.hits:
        return True
    return relation.exact and len(one.less) == len(relation.parts) and one.hits != 0


def derivable(day: Day, known: Knowledge = COMMON) -> Iterator[tuple[Relation | None, Derived]]:
    """Yield every set that ``attack_day`` tries, with the relation it came of, if any."""
    for part in told(day):
        yield None, Derived("number", "a number by itself", part, (), part.hits)
    for relation in relations(day, known):
        for one in derived(relation):
            yield relation, one
    for system in systems(day, known):
        for one in solved(system):
            yield None, one


def told(day: Day) -> Iterator[Part]:
    """Yield every number as it was told, each edition by itself."""
    for window in day.windows():
        name = _name(window.start, hourly=window.hourly)
        for universe, dimensions in window.universes.items():
            for dimension, cells in dimensions.items():
                for value, history in cells.items():
                    for revision, one in history.items():
                        within = f"{universe} " if universe else ""
                        what = f"{name} {within}{dimension} {value} (edition {revision})"
                        yield Part(what, one.hits, one.visitors, one.bytes)
    for table, cells_of_two in day.pairs.items():
        for values, history in cells_of_two.items():
            for revision, one in history.items():
                what = f"{_name(day.start)} {' '.join((*table, *values))} (edition {revision})"
                yield Part(what, one.hits, one.visitors, one.bytes)
    yield from (step(one) for one in day.steps)
    yield from (span(one, step(one).name) for one in day.ranges)


def relations(day: Day, known: Knowledge, *, frozen: bool = True) -> Iterator[Relation]:
    """Yield every relation between the numbers of a day."""
    hours, whole = _seen(day)
    for window in [*hours, *([whole] if whole else [])]:
        yield from of_window(window, known)
    yield from of_steps(day, hours, whole)
    steps = {(one.start, one.segment, one.value): step(one) for one in day.steps}
    yield from of_ranges(day, hours, whole, steps)
    if whole is not None:
        for revision in _looked_at(whole, frozen=frozen):
            yield from of_hours(whole, hours, revision)
        yield from margins(day, whole)
        yield from confined(day, whole, hours)
        yield from leaves(day, known)
        yield from triangles(day, whole)
        if known.visits:
            yield from equal(day, whole)
            yield from paths(day, whole)


def systems(day: Day, known: Knowledge, *, frozen: bool = True) -> Iterator[System]:
    """Yield every table of a day that is cut in two ways."""
    hours, whole = _seen(day)
    if whole is not None:
        for revision in _looked_at(whole, frozen=frozen):
            yield from crossed(whole, hours, revision, known)
        yield from pair_tables(day, whole, known)


def _looked_at(whole: Seen, *, frozen: bool) -> list[int]:
    """Return the day's first and newest edition: late ones in between say no more of the hours.

    Hours that are not ``frozen`` by their day's end, as with a k of 1, fit its newest alone.
    """
    return sorted({whole.revisions[0], whole.newest}) if frozen else [whole.newest]


def _seen(day: Day) -> tuple[list[Seen], Seen | None]:
    hours = [Seen(day.hours[at], _name(at, hourly=True)) for at in sorted(day.hours)]
    return hours, None if day.whole is None else Seen(day.whole, _name(day.start))


def _name(start: int, *, hourly: bool = False) -> str:
    moment = dt.datetime.fromtimestamp(start, dt.UTC)
    return f"{moment:%Y-%m-%d %H:%M}" if hourly else f"{moment:%Y-%m-%d}"
