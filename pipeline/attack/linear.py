"""Linear algebra over sums of pieces that nobody was told one by one.

A system says which pieces make up which known sums; a piece is the hits of a set of requests, so it
is never negative, and what a sum of nought is made of is nought. All is exact: integers and
fractions, no floating point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Final

from pipeline.attack.relations import Derived, Part

MOST_WORK: Final = 200_000
"""Equations squared times pieces: a system beyond it is not eliminated, and said to be left out."""
MOST_PIECES: Final = 120
"""In how many pieces all sums of three are looked at."""

Row = dict[int, Fraction]
"""Piece → coefficient."""


@dataclass(frozen=True, slots=True)
class Equation:
    """These pieces add up to so many hits. A piece stands in one equation of a side."""

    name: str
    pieces: frozenset[str]
    total: int
    side: str


@dataclass(slots=True)
class System:
    """Equations about one table that two or more breakdowns cut differently."""

    about: str
    equations: list[Equation] = field(default_factory=list)
    left_out: bool = False

    def add(self, name: str, pieces: list[str], total: int, side: str) -> None:
        """Say that ``pieces`` add up to ``total``."""
        self.equations.append(Equation(name, frozenset(pieces), total, side))


def solved(system: System) -> Iterator[Derived]:
    """Yield every sum that is told, and each piece or sum of pieces that follows from them.

    These are: pieces, and sums of two and three, by elimination; and what the sums of one side that
    touch a sum of the other have left without it. Sums that cannot all be true are a contradiction.
    """
    for equation in system.equations:
        yield _found(system, equation.name, equation.total)
    equations = _without_noughts(system.equations)
    yield from _cuts(system, equations)
    for part in _connected(equations):
        pieces = frozenset().union(*(equation.pieces for equation in part))
        if len(part) ** 2 * len(pieces) > MOST_WORK:
            system.left_out = True
        else:
            yield from _eliminated(system, part, sorted(pieces))


def _found(system: System, name: str, hits: int) -> Derived:
    return Derived("system", system.about, Part(name, hits), (), hits)


def _without_noughts(equations: list[Equation]) -> list[Equation]:
    """Return the equations without pieces that can only be nought."""
    while True:
        gone = frozenset().union(*(e.pieces for e in equations if e.total == 0))
        left = [Equation(e.name, e.pieces - gone, e.total, e.side) for e in equations]
        left = [e for e in left if e.pieces or e.total]
        if left == equations:
            return left
        equations = left


def _connected(equations: list[Equation]) -> list[list[Equation]]:
    """Return the equations in groups that share no piece."""
    groups: list[tuple[set[str], list[Equation]]] = []
    for equation in equations:
        pieces, members, apart = set(equation.pieces), [equation], []
        for group in groups:
            if group[0] & pieces:
                pieces |= group[0]
                members += group[1]
            else:
                apart.append(group)
        groups = [*apart, (pieces, members)]
    return [members for _, members in groups]


def _cuts(system: System, equations: list[Equation]) -> Iterator[Derived]:
    """Yield what the sums of one side have left that some of the other lie in, without those.

    Started from one sum, and from two: the sums that touch them, less them, and less all that lie
    in those sums alone.
    """
    for near, far in (("slot", "column"), ("column", "slot")):
        ours = [e for e in equations if e.side == near and e.pieces]
        theirs = [e for e in equations if e.side == far and e.pieces]
        chosen = [(e,) for e in ours]
        if len(ours) * len(ours) * len(theirs) <= MOST_WORK:
            chosen += combinations(ours, 2)  # type: ignore[arg-type]
        for some in chosen:
            wanted = frozenset().union(*(e.pieces for e in some))
            touched = [e for e in theirs if e.pieces & wanted]
            around = frozenset().union(*(e.pieces for e in touched))
            inside = [e for e in ours if e.pieces <= around]
            for taken in {tuple(some), tuple(inside)}:
                if frozenset().union(*(e.pieces for e in taken)) <= around:
                    hits = sum(e.total for e in touched) - sum(e.total for e in taken)
                    plus, minus = (" and ".join(e.name for e in x) for x in (touched, taken))
                    yield _found(system, f"{plus} less {minus}", hits)


def _eliminated(system: System, equations: list[Equation], pieces: list[str]) -> Iterator[Derived]:
    """Yield the pieces, and sums of two and three of them, that the equations determine."""
    at = {piece: place for place, piece in enumerate(pieces)}
    rows = [({at[p]: Fraction(1) for p in e.pieces}, Fraction(e.total)) for e in equations]
    value = dict.fromkeys(range(len(pieces)), _NOUGHT)
    free: dict[int, Row] = {place: {place: Fraction(1)} for place in range(len(pieces))}
    for pivot, row, total in _reduced(rows):
        if not row:
            whole = Part("sums that contradict each other", int(total))
            yield Derived("contradiction", system.about, whole, (), int(total))
            return
        value[pivot] = total
        free[pivot] = {place: -factor for place, factor in row.items() if place != pivot}
        if len(row) > _THREE and all(factor == 1 for factor in row.values()):
            yield _found(system, " and ".join(pieces[place] for place in row), int(total))
    for places in _fixed(free):
        hits = sum(value[place] for place in places)
        yield _found(system, " and ".join(pieces[place] for place in places), int(hits))


_THREE: Final = 3
_NOUGHT: Final = Fraction()


def _reduced(rows: list[tuple[Row, Fraction]]) -> list[tuple[int, Row, Fraction]]:
    """Return the reduced row echelon form with each row's pivot; a contradiction has no row."""
    done: list[tuple[int, Row, Fraction]] = []
    for row, total in rows:
        left, sum_left = row, total
        for pivot, known, known_total in done:
            left, sum_left = _less(left, sum_left, pivot, known, known_total)
        if not left:
            if sum_left:
                return [(0, {}, sum_left)]
            continue
        pivot = min(left)
        lead = left[pivot]
        left = {place: factor / lead for place, factor in left.items()}
        sum_left /= lead
        done = [(at, *_less(of, known, pivot, left, sum_left)) for at, of, known in done]
        done.append((pivot, left, sum_left))
    return done


def _less(
    row: Row, total: Fraction, pivot: int, known: Row, known_total: Fraction
) -> tuple[Row, Fraction]:
    """Return ``row`` without the ``pivot`` of ``known``."""
    times = row.get(pivot)
    if times is None:
        return row, total
    left = dict(row)
    for place, factor in known.items():
        changed = left.get(place, _NOUGHT) - times * factor
        if changed:
            left[place] = changed
        else:
            left.pop(place, None)
    return left, total - times * known_total


def _fixed(free: Mapping[int, Row]) -> Iterator[tuple[int, ...]]:
    """Yield the pieces, pairs and triples whose sum depends on nothing that is free."""
    loose = {place: row for place, row in free.items() if row}
    yield from ((place,) for place, row in free.items() if not row)
    by_row: dict[frozenset[tuple[int, Fraction]], list[int]] = {}
    for place, row in loose.items():
        by_row.setdefault(frozenset(row.items()), []).append(place)
    for place, row in loose.items():
        against = frozenset((of, -factor) for of, factor in row.items())
        yield from ((place, other) for other in by_row.get(against, ()) if other > place)
    if len(loose) > MOST_PIECES:
        return
    for one, two in combinations(loose, 2):
        both = {
            of: factor
            for of in loose[one].keys() | loose[two].keys()
            if (factor := loose[one].get(of, _NOUGHT) + loose[two].get(of, _NOUGHT))
        }
        if both:
            against = frozenset((of, -factor) for of, factor in both.items())
            yield from ((one, two, three) for three in by_row.get(against, ()) if three > two)
