"""A day and its hours: cells that grew, and the sums that both cut differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.attack.linear import System
from pipeline.attack.numbers import ALL, AUDIENCE, SEGMENT
from pipeline.attack.relations import Part, Relation, less
from pipeline.attack.windows import Knowledge, Seen, State
from pipeline.events import DIMENSIONS
from pipeline.rows import OTHER

ARRIVED: Final = "arrived after the hours"
_REST: Final = ("", OTHER)
"""The column of what stands under ``(other)`` in the day, whatever its parent."""


def of_hours(day: Seen, hours: list[Seen], revision: int) -> Iterator[Relation]:
    """Yield each cell of a day, at an edition, and those of its hours."""
    for universe in day.window.universes:
        for dimension in day.dimensions(universe):
            for value, whole in day.state(universe, dimension, revision).items():
                if value != OTHER:
                    parts = _in_hours(hours, universe, dimension, value)
                    if parts:
                        yield Relation("a day and its hours", whole, parts, grows=len(parts) == 1)


def _in_hours(hours: list[Seen], universe: str, dimension: str, value: str) -> tuple[Part, ...]:
    states = (hour.state(universe, dimension, hour.newest) for hour in hours)
    return tuple(state[value] for state in states if value in state)


@dataclass(frozen=True, slots=True)
class Slot:
    """Requests that hours left without an own cell, or that came after them, known as a sum.

    ``own`` are the values that had an own cell in the edition: none of theirs is in here.
    ``within`` is the parent value that all of it stands within, None where that is not known.
    """

    name: str
    hits: int
    own: frozenset[str]
    within: str | None = None


def crossed(day: Seen, hours: list[Seen], revision: int, known: Knowledge) -> Iterator[System]:
    """Yield per universe and dimension the table of slots by columns, of which both sums are told.

    The columns are what each own cell of the day has that its hours had not, and the rest. A cell
    of the table is what came from a slot into a column; nobody is told it.
    """
    for universe in day.window.universes:
        arrived = list(_arrived(day, hours, universe, revision))
        for dimension in day.dimensions(universe):
            if dimension not in {AUDIENCE, SEGMENT} and day.whole_at(universe, dimension, revision):
                cut = _Cut(day, hours, universe, dimension, revision, known)
                if cut.parent is None:
                    yield cut.flat(arrived)
                elif cut.all_known():
                    yield cut.nested(arrived)


def _arrived(day: Seen, hours: list[Seen], universe: str, revision: int) -> Iterator[Part]:
    """Yield what no hour has released of a universe: in all traffic by segment, or audience."""
    names = [(ALL, SEGMENT), (ALL, AUDIENCE)]
    if universe != ALL:
        whole = day.total(universe, revision)
        names = []
        if whole is not None:
            parts = _in_hours(hours, ALL, SEGMENT, universe)
            yield less(f"{day.name} {universe} {ARRIVED}", whole, parts)
    for where, dimension in names:
        if state := day.state(where, dimension, revision):
            for value, whole in state.items():
                parts = _in_hours(hours, where, dimension, value)
                yield less(f"{day.name} {value} {ARRIVED}", whole, parts)
            return


@dataclass(frozen=True, slots=True)
class _Cut:
    """One dimension of one universe of a day, against its hours."""

    day: Seen
    hours: list[Seen]
    universe: str
    dimension: str
    revision: int
    known: Knowledge

    @property
    def parent(self) -> str | None:
        """What the dimension is within; None where that has one value, as if it were not."""
        parent = DIMENSIONS.get(self.dimension)
        if parent is None:
            return None
        seen = [self.day, *self.hours]
        values = {value for one in seen for value in one.cells(self.universe, parent)}
        return parent if len(values) > 1 else None

    @property
    def apart(self) -> bool:
        """Tell whether own cells say what was not folded: of a segment, not of several together."""
        return self.known.editions and self.universe != ALL

    def gained(self, dimension: str) -> State:
        """Return what own cells of the day have that the hours had not shown under them."""
        state = self.day.state(self.universe, dimension, self.revision)
        found = {}
        for value, whole in state.items():
            parts = _in_hours(self.hours, self.universe, dimension, value)
            if value != OTHER:
                found[value] = less(f"{whole.name} less its hours", whole, parts)
        return found

    def editions(self, hour: Seen) -> Iterator[tuple[int, int, bool]]:
        """Yield the editions of an hour as (before, after, whether it is one and no more)."""
        told = hour.editions(self.universe, self.dimension)
        parent = self.parent
        if told is None or (parent and hour.editions(self.universe, parent) is None):
            yield 0, hour.newest, False
        else:
            for before, after in zip([0, *told], told, strict=False):
                yield before, after, True

    def other(self, dimension: str) -> Iterator[Slot]:
        """Yield what each edition of each hour folded."""
        for hour in self.hours:
            for before, after, single in self.editions(hour):
                gains = hour.gains(self.universe, dimension, before, after)
                if OTHER in gains:
                    # A value's requests of one edition stand together, own or folded.
                    together = single and self.apart
                    own = frozenset(gains if together and dimension == self.dimension else ())
                    yield Slot(gains[OTHER].name, gains[OTHER].hits, own)

    def flat(self, arrived: list[Part]) -> System:
        """Return the table of a dimension that stands within none."""
        slots = [*self.other(self.dimension), *_slots(arrived)]
        columns = {("", value): part for value, part in self.gained(self.dimension).items()}
        rest = self.day.state(self.universe, self.dimension, self.revision).get(OTHER)
        if rest is not None:
            columns[_REST] = rest
        return self.system(slots, columns, {})

    def all_known(self) -> bool:
        """Tell whether each leaf of the day and its hours is known to have one parent."""
        leaves = {
            leaf
            for seen in [self.day, *self.hours]
            for leaf in seen.cells(self.universe, self.dimension)
        }
        sets = [self.known.parents(self.dimension, leaf) for leaf in leaves - {OTHER}]
        return all(found is not None and len(found) == 1 for found in sets)

    def parent_of(self, leaf: str) -> str:
        """Return the one parent value of a leaf."""
        return next(iter(self.known.parents(self.dimension, leaf) or ()), OTHER)

    def nested(self, arrived: list[Part]) -> System:
        """Return the table of leaves: what an hour folded within a parent is a slot of its own."""
        parent = str(DIMENSIONS[self.dimension])
        slots = [*self.other(parent), *_slots(arrived)]
        for hour in self.hours:
            for before, after, single in self.editions(hour):
                slots.extend(self._folded(hour, parent, before, after, single=single))
        columns = {
            (self.parent_of(leaf), leaf): part for leaf, part in self.gained(self.dimension).items()
        }
        wholes = self.day.state(self.universe, parent, self.revision)
        leaves = self.day.state(self.universe, self.dimension, self.revision)
        rests = {
            value: less(
                f"{whole.name} less its leaves", whole, list(self.inside(leaves, value).values())
            )
            for value, whole in wholes.items()
            if value != OTHER
        }
        columns.update({(value, OTHER): part for value, part in rests.items()})
        if OTHER in leaves:
            columns[_REST] = less("the rest", leaves[OTHER], list(rests.values()))
        return self.system(slots, columns, self.gained(parent))

    def inside(self, leaves: State, value: str) -> State:
        """Return the own cells of leaves that stand within a parent value."""
        return {x: p for x, p in leaves.items() if x != OTHER and self.parent_of(x) == value}

    def _folded(
        self, hour: Seen, parent: str, before: int, after: int, *, single: bool
    ) -> Iterator[Slot]:
        wholes = hour.gains(self.universe, parent, before, after)
        leaves = hour.gains(self.universe, self.dimension, before, after)
        for value, whole in wholes.items():
            if value != OTHER:
                mine = self.inside(leaves, value)
                hits = whole.hits - sum(part.hits for part in mine.values())
                own = frozenset(mine if single and self.apart else ())
                yield Slot(f"{whole.name} without an own cell", hits, own, value)

    def system(
        self, slots: list[Slot], columns: dict[tuple[str, str], Part], gained: State
    ) -> System:
        """Return the equations of slots by columns; ``gained`` are the parents' sums of the day."""
        system = System(f"{self.day.name} {self.universe or 'traffic'} by {self.dimension}")
        cells: dict[tuple[int, tuple[str, str]], str] = {}
        for at, slot in enumerate(slots):
            for column, part in columns.items():
                within, value = column
                inside = slot.within is None or (within == slot.within and column != _REST)
                if value not in slot.own - {OTHER} and inside:
                    cells[at, column] = f"{part.name} from {slot.name}"
        for at, slot in enumerate(slots):
            row = [piece for (of, _), piece in cells.items() if of == at]
            system.add(slot.name, row, slot.hits, "slot")
        for column, part in columns.items():
            under = [piece for (_, of), piece in cells.items() if of == column]
            system.add(part.name, under, part.hits, "column")
        base = {at for at, slot in enumerate(slots) if slot.within is None}
        for value, part in gained.items():
            both = [x for (at, (of, _)), x in cells.items() if at in base and of == value]
            system.add(part.name, both, part.hits, "parent")
        return system


def _slots(arrived: list[Part]) -> Iterator[Slot]:
    for part in arrived:
        yield Slot(part.name, part.hits, frozenset())
