"""What is a part of what within an hour or a day, and between one edition and the next.

Numbers are added to by edition and merged by the engine in its own time, so of an earlier edition
a part may be gone. What is there of it is used where it adds up, and the newest must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pipeline.attack.numbers import ALL, AUDIENCE, SEGMENT, Cells, Number, Window
from pipeline.attack.relations import Part, Relation, added, less
from pipeline.events import DIMENSIONS
from pipeline.rows import OTHER

BOT: Final = "bot"
State = dict[str, Part]
"""Value → what its cell held."""
Parents = Callable[[str, str], frozenset[str] | None]
"""The values of a leaf's parent dimension that it stands within, as far as the reader knows; None
where that is not known."""

_OF_THEMSELVES: Final = {"referrer": {"(direct)": "direct", "(internal)": "internal"}}


def _by_name(dimension: str, leaf: str) -> frozenset[str] | None:
    """Return what anybody knows of a leaf's parents by its name."""
    within = _OF_THEMSELVES.get(dimension, {}).get(leaf)
    return None if within is None else frozenset({within})


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a reader brings along besides the tables.

    ``parents`` are those of leaves. ``editions``: the reader knows by docs/release.md that an
    edition of an hour folds nothing of a value that it shows under its own name. ``visits``: and
    that for each view that another follows there is one that follows it, and for each visit of a
    path one of each of its views, so that some counts are equal without being of the same requests.
    """

    parents: Parents = _by_name
    editions: bool = True
    visits: bool = True


COMMON: Final = Knowledge()
"""What is known to all who read the documentation."""


class Seen:
    """A window as it can be read now: its states by edition, each worked out once."""

    def __init__(self, window: Window, name: str) -> None:
        """``name`` is what the window is called in findings."""
        self.window: Final = window
        self.name: Final = name
        self.revisions: Final = window.revisions()
        self._states: Final[dict[tuple[str, str, int], State]] = {}

    @property
    def newest(self) -> int:
        """Return the edition that counts."""
        return self.revisions[-1]

    def dimensions(self, universe: str) -> list[str]:
        """Return what a universe is broken down by."""
        return sorted(self.window.universes.get(universe, {}))

    def cells(self, universe: str, dimension: str) -> Cells:
        """Return the histories of a breakdown."""
        return self.window.universes.get(universe, {}).get(dimension, {})

    def state(self, universe: str, dimension: str, revision: int) -> State:
        """Return the cells as they were at an edition, as far as they are still there."""
        key = (universe, dimension, revision)
        if key not in self._states:
            found = {}
            for value, history in self.cells(universe, dimension).items():
                if at := [one for one in history if one <= revision]:
                    name = self.named(universe, dimension, value)
                    found[value] = part_of(name, history[max(at)])
            self._states[key] = found
        return self._states[key]

    def named(self, universe: str, dimension: str, value: str) -> str:
        """Return how a cell is called in a finding."""
        within = f"{universe} " if universe else ""
        return f"{self.name} {within}{dimension} {value}"

    def total(self, universe: str, revision: int) -> Part | None:
        """Return all of a universe, None where no table says it."""
        if universe != ALL:
            segments = self.state(ALL, SEGMENT, revision)
            if universe not in segments and self.whole_at(ALL, SEGMENT, revision):
                return Part(f"{self.name} {universe}", 0)
            return segments.get(universe)
        for dimension in (AUDIENCE, SEGMENT):
            if state := self.state(ALL, dimension, revision):
                return added(f"{self.name} traffic", state.values())
        return None

    def whole_at(self, universe: str, dimension: str, revision: int) -> bool:
        """Tell whether all cells of an edition are there: they add up to the traffic of it."""
        total = self.total(universe, revision)
        state = self.state(universe, dimension, revision)
        return total is not None and total.hits == sum(part.hits for part in state.values())

    def editions(self, universe: str, dimension: str) -> list[int] | None:
        """Return every edition of a breakdown, None where one of them is not there any more."""
        told = [at for at in self.revisions if self.whole_at(universe, dimension, at)]
        return told if told == list(range(1, self.newest + 1)) else None

    def gains(self, universe: str, dimension: str, before: int, after: int) -> State:
        """Return what each cell gained between two editions; ``before`` may be 0."""
        old = self.state(universe, dimension, before)
        new = self.state(universe, dimension, after)
        return {
            value: Part(f"{part.name} (edition {after} less {before})", gained)
            for value, part in new.items()
            if (gained := part.hits - (old[value].hits if value in old else 0))
        }


def part_of(name: str, one: Number) -> Part:
    """Return a number as a set."""
    return Part(name, one.hits, one.visitors, one.bytes)


def of_window(seen: Seen, known: Knowledge) -> Iterator[Relation]:
    """Yield the relations within a window, at each edition, and between editions."""
    yield from _of_state(seen, seen.newest, known, newest=True)
    for revision in seen.revisions[:-1]:
        yield from _of_state(seen, revision, known, newest=False)
    for before, after in pairwise(seen.revisions):
        yield from _of_gains(seen, before, after, known)
    yield from _growth(seen)


def _of_state(seen: Seen, revision: int, known: Knowledge, *, newest: bool) -> Iterator[Relation]:
    """Yield universe and cells, parents and leaves, and segments together and one by one."""
    where = "" if newest else f" (edition {revision})"
    for universe in seen.window.universes:
        total = seen.total(universe, revision)
        for dimension in seen.dimensions(universe):
            state = seen.state(universe, dimension, revision)
            if total is not None and (newest or seen.whole_at(universe, dimension, revision)):
                about = f"cells of the traffic{where}"
                yield Relation(about, total, tuple(state.values()), exact=True)
        yield from _nested(
            lambda name, universe=universe: seen.state(universe, name, revision),  # type: ignore[misc]
            known,
            f"leaves{where}",
        )
    if newest:
        yield from _segments(seen, revision)


def _of_gains(seen: Seen, before: int, after: int, known: Knowledge) -> Iterator[Relation]:
    for universe in seen.window.universes:
        old, new = seen.total(universe, before), seen.total(universe, after)
        told = {
            dimension: seen.gains(universe, dimension, before, after)
            for dimension in seen.dimensions(universe)
            if all(seen.whole_at(universe, dimension, at) for at in (before, after))
        }
        if old is None or new is None:
            continue
        total = less(f"{new.name} (edition {after} less {before})", new, [old])
        for state in told.values():
            yield Relation("what an edition added", total, tuple(state.values()), exact=True)
        yield from _nested(lambda name, told=told: told.get(name, {}), known, "leaves added")  # type: ignore[misc]


def _growth(seen: Seen) -> Iterator[Relation]:
    """Yield each cell and what it was before."""
    for universe, dimensions in seen.window.universes.items():
        for dimension, cells in dimensions.items():
            for value, history in cells.items():
                name = seen.named(universe, dimension, value)
                for before, after in pairwise(sorted(history)):
                    yield Relation(
                        "editions of a cell",
                        part_of(f"{name} (edition {after})", history[after]),
                        (part_of(f"edition {before}", history[before]),),
                        grows=True,
                    )


def _nested(state: Callable[[str], State], known: Knowledge, about: str) -> Iterator[Relation]:
    """Yield each parent's cell and those of its leaves that are known to be its."""
    for dimension, parent in DIMENSIONS.items():
        leaves = state(dimension)
        wholes = state(parent) if parent is not None else {}
        for value, whole in wholes.items():
            inside = [
                part
                for leaf, part in leaves.items()
                if OTHER not in {value, leaf}
                and known.parents(dimension, leaf) == frozenset({value})
            ]
            if inside:
                yield Relation(f"{about} of a {parent}", whole, tuple(inside))


def _segments(seen: Seen, revision: int) -> Iterator[Relation]:
    """Yield audiences and their segments, and cells of all traffic and of the segments."""
    audiences = seen.state(ALL, AUDIENCE, revision)
    segments = seen.state(ALL, SEGMENT, revision)
    if audiences and segments:
        for value, whole in audiences.items():
            of = [part for name, part in segments.items() if (name == BOT) == (value == BOT)]
            yield Relation("segments of an audience", whole, tuple(of), exact=True)
    universes = [name for name in seen.window.universes if name != ALL]
    for dimension in seen.dimensions(ALL) if universes else []:
        if dimension in {AUDIENCE, SEGMENT}:
            continue
        by_segment = {name: seen.state(name, dimension, revision) for name in universes}
        for value, whole in seen.state(ALL, dimension, revision).items():
            of = [state[value] for state in by_segment.values() if value in state]
            yield Relation("segments of a cell", whole, tuple(of), exact=True)
