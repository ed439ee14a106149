"""What three tables of pairs tell together, of three things that are crossed with each other.

Whoever knows how many requests have v and w, v and r, and w and r, knows how many have two of them
and not the third together with those that have the third alone; and how many have all or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from pipeline.attack.numbers import SEGMENT, Day
from pipeline.attack.pairs import PARTS, ROLE, Table, table_of
from pipeline.attack.relations import Part, Relation, added, less
from pipeline.attack.windows import Seen, State
from pipeline.events import DIMENSIONS
from pipeline.rows import OTHER

_ABOUT: Final = "three tables of pairs"


@dataclass(frozen=True, slots=True)
class _Segment:
    """What a segment's tables say: dimension or role → value → part, and pairs of these."""

    total: Part
    sums: dict[str, State]
    pairs: dict[tuple[str, str], Table]


def triangles(day: Day, whole: Seen) -> Iterator[Relation]:
    """Yield what any three tables that share their columns tell of each choice of their values."""
    for segment in sorted({key[0] for key in day.pairs}):
        told = _told(day, whole, segment)
        if told is None:
            continue
        for one, two in combinations(sorted(told.sums.keys() - {ROLE}), 2):
            for third in sorted(told.sums.keys() - {one, two}):
                # Of three dimensions one order is enough: each set is asked for by all of them.
                in_turn = third == ROLE or two < third
                if in_turn and {(one, two), (one, third), (two, third)} <= told.pairs.keys():
                    yield from _of_three(told, one, two, third)


def _told(day: Day, whole: Seen, segment: str) -> _Segment | None:
    """Return what the day's first edition says of a segment, None where its total is not known."""
    first = whole.revisions[0]
    total = whole.total(segment, first)
    if total is None:
        return None
    roles = {of: part for (_, of), part in table_of(day, (segment, SEGMENT, ROLE)).items()}
    sums: dict[str, State] = {ROLE: roles}
    pairs: dict[tuple[str, str], Table] = {}
    for of, dimension, across in day.pairs:
        if of != segment or dimension not in DIMENSIONS or across not in {*DIMENSIONS, ROLE}:
            continue
        for name in (dimension, across):
            sums.setdefault(name, whole.state(segment, name, first))
        table = table_of(day, (segment, dimension, across))
        named = {at: part for at, part in table.items() if {OTHER, *PARTS}.isdisjoint(at)}
        named |= _nobody(named, sums[dimension], sums[across])
        pairs[dimension, across] = named
        pairs[across, dimension] = {(w, v): part for (v, w), part in named.items()}
    return _Segment(total, sums, pairs)


def _nobody(told: Table, rows: State, columns: State) -> Table:
    """Return the cells that nobody is in, as rows and columns show of which all is told."""
    sums: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for at, part in told.items():
        for value, cells in zip(at, sums, strict=True):
            cells[value] += part.hits
    whole = [
        {value for value, part in of.items() if value != OTHER and part.hits == cells[value]}
        for of, cells in zip((rows, columns), sums, strict=True)
    ]
    return {
        (v, w): Part(f"nobody with {v} and {w}", 0)
        for v in rows
        for w in columns
        if OTHER not in {v, w} and (v, w) not in told and (v in whole[0] or w in whole[1])
    }


def _of_three(told: _Segment, one: str, two: str, third: str) -> Iterator[Relation]:
    """Yield the four sets of each choice of values; of roles also of two together."""
    by_one, by_two = told.pairs[one, third], told.pairs[two, third]
    values = sorted(told.sums[third].keys() - {OTHER, *PARTS})
    thirds: list[tuple[str, ...]] = [(value,) for value in values]
    if third == ROLE:
        thirds += combinations(values, 2)
    for (v, w), both in told.pairs[one, two].items():
        of_v, of_w = told.sums[one].get(v), told.sums[two].get(w)
        for some in thirds:
            cells = [(by_one.get((v, r)), by_two.get((w, r))) for r in some]
            v_and_r = [cell for cell, _ in cells if cell is not None]
            w_and_r = [cell for _, cell in cells if cell is not None]
            if of_v and of_w and len(v_and_r) == len(w_and_r) == len(some):
                of_r = _together([told.sums[third][r] for r in some])
                sides = (of_v, of_w, of_r)
                yield from _sets(told.total, sides, both, _together(v_and_r), _together(w_and_r))


def _sets(
    total: Part, sides: tuple[Part, Part, Part], both: Part, v_and_r: Part, w_and_r: Part
) -> Iterator[Relation]:
    of_v, of_w, of_r = sides
    for cell, side, inside, other in (
        (both, of_r, v_and_r, w_and_r),
        (v_and_r, of_w, both, w_and_r),
        (w_and_r, of_v, both, v_and_r),
    ):
        without = less(f"{side.name} less {inside.name}", side, [inside])
        yield Relation(_ABOUT, _together([cell, without]), (other,))
    rest = less(f"{total.name} less {of_v.name}", total, [of_v])
    neither = less(
        f"{rest.name} and without {of_w.name}",
        rest,
        [less(f"{of_w.name} less {both.name}", of_w, [both])],
    )
    of_r_alone = less(f"{of_r.name} less {w_and_r.name}", of_r, [w_and_r])
    yield Relation(_ABOUT, _together([neither, v_and_r]), (of_r_alone,))


def _together(parts: list[Part]) -> Part:
    return parts[0] if len(parts) == 1 else added(" and ".join(p.name for p in parts), parts)
