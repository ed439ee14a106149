"""Two things at a time: cells, and the margins that other tables tell.

A day's pairs are of its first edition, and a value stands in them as its own table shows it there.
A row is made up of its cells, of which ``(other)`` holds what is not shown; of a column, what is
not shown is in no table.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from pipeline.attack.linear import System
from pipeline.attack.numbers import SEGMENT, Day
from pipeline.attack.relations import Part, Relation, added, less
from pipeline.attack.windows import Knowledge, Seen, part_of
from pipeline.events import DIMENSIONS, STEADY
from pipeline.rows import OTHER

ROLE: Final = "role"
NEXT: Final = "next_page"
PATH: Final = "click_path"
LENGTH: Final = "visit_length"
PARTS: Final = {"bounce or entry": ("bounce", "entry"), "between or exit": ("between", "exit")}
"""What is told of a value's views where not all of their roles are: of those that are not."""

Table = dict[tuple[str, str], Part]
"""(value, across value) → cell."""
Key = tuple[str, str, str]
"""Segment, dimension, across."""


def margins(day: Day, whole: Seen) -> Iterator[Relation]:
    """Yield each row and column of each table of pairs with what is known of it all together."""
    for key in day.pairs:
        if key[2] == PATH:
            continue
        table = table_of(day, key)
        rows, columns = _wholes(day, whole, key)
        if key[2] == NEXT:
            yield from _moves(day, key, rows, side=0)
            continue
        for value, part in rows.items():
            cells = tuple(cell for (of, _), cell in table.items() if of == value)
            if cells:
                yield Relation("pairs of a row", part, cells, exact=True)
        for value, part in columns.items():
            cells = tuple(cell for (_, of), cell in table.items() if of == value != OTHER)
            if cells:
                yield Relation("pairs of a column", part, cells)
        for name, roles in PARTS.items():
            cells = tuple(cell for (_, of), cell in table.items() if of in {name, *roles})
            if roles[0] in columns and roles[1] in columns and key[1] != SEGMENT:
                both = added(f"{key[0]} {name}", [columns[role] for role in roles])
                yield Relation("pairs of two columns", both, cells)


_ROLES: Final = (
    (("entry", "between"), ("exit", "bounce")),
    (("between", "exit"), ("entry", "bounce")),
)
"""By side of a move: what the views are to their visits that it is made of, and the other views."""


def _moves(day: Day, key: Key, pages: dict[str, Part], side: int) -> Iterator[Relation]:
    """Yield a page's views, and those that another followed or that followed another, with moves.

    With any of the page's other views that are told, too: those are in no move.
    """
    moves, roles = table_of(day, key), table_of(day, (key[0], key[1], ROLE))
    about = "what a page followed" if side else "what followed a page"
    for page in {at[side] for at in moves}:
        cells = tuple(cell for at, cell in moves.items() if at[side] == page)
        told = _roles(roles, page)
        moving, others = ([told[x] for x in of if x in told] for of in _ROLES[side])
        if len(moving) == len(_ROLES[side][0]):
            yield Relation(about, added(f"{page}, {_MOVING[side]}", moving), cells)
        for count in range(len(others) + 1):
            for some in combinations(others, count):
                if page in pages:
                    yield Relation(about, pages[page], (*cells, *some))


def _roles(table: Table, value: str) -> dict[str, Part]:
    """Return what is told of a value by role: what is left of two is the one where not both are."""
    told = {role: part for (of, role), part in table.items() if of == value}
    for name, roles in PARTS.items():
        missing = [role for role in roles if role not in told]
        if name in told and len(missing) == 1:
            told[missing[0]] = told[name]
    return told


_MOVING: Final = ("before others", "after others")


def leaves(day: Day, known: Knowledge) -> Iterator[Relation]:
    """Yield what is told of a parent value by role, with what is told of its leaves by the same."""
    for segment, dimension, across in day.pairs:
        parent = DIMENSIONS.get(dimension)
        if parent is None:
            continue
        table = table_of(day, (segment, dimension, across))
        for (value, of), part in table_of(day, (segment, parent, across)).items():
            cells = tuple(
                cell
                for (leaf, role), cell in table.items()
                if role == of not in {OTHER, *PARTS}
                and OTHER not in {leaf, value}
                and known.parents(dimension, leaf) == frozenset({value})
            )
            if cells:
                yield Relation(f"pairs of leaves of a {parent}", part, cells)


def equal(day: Day, whole: Seen) -> Iterator[Relation]:
    """Yield what has as many hits as something else has: both are of the same visits."""
    for segment, dimension, across in day.pairs:
        table = table_of(day, (segment, dimension, across))
        if across == ROLE and (dimension == SEGMENT or dimension in STEADY):
            for value in {of for of, _ in table}:
                entry, leaving = table.get((value, "entry")), table.get((value, "exit"))
                rest = table.get((value, OTHER))
                if entry and leaving:
                    yield Relation("as many visits end as begin", entry, (leaving,), exact=True)
                elif rest and (lone := entry or leaving):
                    twin = Part(f"as many as {lone.name}", lone.hits)
                    yield Relation("as many visits end as begin", rest, (twin,))
        if across == NEXT:
            pages = {
                page: Part(f"views of {part.name}", part.hits)
                for page, part in whole.state(segment, dimension, whole.revisions[0]).items()
            }
            yield from _moves(day, (segment, dimension, across), pages, side=1)


def confined(day: Day, whole: Seen, hours: list[Seen]) -> Iterator[Relation]:
    """Yield what an hour showed of a value, with the pairs of all that was in that hour alone.

    Of an hour of one edition: it shows all or nothing of a value.
    """
    single = [hour for hour in hours if hour.revisions == [1]]
    for key in day.pairs:
        segment, *names = key
        table = table_of(day, key)
        for side, (name, besides) in enumerate((names, names[::-1])):
            if name not in DIMENSIONS or besides not in DIMENSIONS:
                continue
            sums = whole.state(segment, name, whole.revisions[0])
            for hour in single:
                shown = hour.state(segment, name, 1)
                alone = {v for v, p in shown.items() if v != OTHER and _same(p, sums.get(v))}
                for value, part in hour.state(segment, besides, 1).items():
                    cells = tuple(
                        cell
                        for at, cell in table.items()
                        if value != OTHER and at[side] in alone and at[1 - side] == value
                    )
                    if cells:
                        yield Relation("what was in an hour alone", part, cells)


def _same(one: Part, other: Part | None) -> bool:
    return other is not None and one.hits == other.hits


def pair_tables(day: Day, whole: Seen, known: Knowledge) -> Iterator[System]:
    """Yield each table of pairs as rows by columns, of which what was not shown is unknown."""
    for key in day.pairs:
        if key[2] == PATH:
            continue
        wholes = _wholes(day, whole, key)
        table = table_of(day, key)
        named = {at: x for at, x in table.items() if OTHER not in at and at[1] not in PARTS}
        rows, columns = (
            {
                value: less(
                    f"{part.name} less its pairs by {' and '.join(key[1:])}",
                    part,
                    [cell for at, cell in named.items() if at[side] == value],
                )
                for value, part in sums.items()
            }
            for side, sums in enumerate(wholes)
        )
        if rows and columns:
            system = System(f"{whole.name} {' '.join(key)}")
            _equations(system, table, rows, columns, _Told(day, key, known))
            yield system


class _Told:
    """Which of a row's columns its table may tell: those that its parent's table tells of it."""

    def __init__(self, day: Day, key: Key, known: Knowledge) -> None:
        segment, self._dimension, across = key
        parent = DIMENSIONS.get(self._dimension) if across == ROLE else None
        self._over: Final = None if parent is None else table_of(day, (segment, parent, across))
        self._known: Final = known

    def whole(self, value: str) -> bool:
        """Tell whether a cell that is shown is all of the row's part of the column.

        Of a leaf of several parents, or of who knows how many, a part may be hidden with one.
        """
        if not self._over or value == OTHER:
            return True
        parents = self._known.parents(self._dimension, value)
        return parents is not None and len(parents) == 1

    def holds(self, value: str, role: str, part: str) -> bool:
        """Tell whether a part of the row's rest has all that is not shown of the role."""
        if not self._over:
            return True
        parents = self._known.parents(self._dimension, value) or ()
        return all(
            (parent, role) in self._over or (parent, part) in self._over for parent in parents
        )


def _equations(
    system: System, table: Table, rows: dict[str, Part], columns: dict[str, Part], told_of: _Told
) -> None:
    """Add the equations; a row of which two parts are told is as many rows."""
    hidden = {
        (value, across): f"{value} and {across} that are not shown"
        for value in rows
        for across in columns
        if (value, across) not in table or OTHER in {value, across} or not told_of.whole(value)
    }
    for value, part in rows.items():
        rest = {across: piece for (of, across), piece in hidden.items() if of == value}
        whole = told_of.whole(value)
        told = [(name, table[value, name]) for name in PARTS if whole and (value, name) in table]
        for name, cell in told:
            roles = [
                role for role in PARTS[name] if role in rest and told_of.holds(value, role, name)
            ]
            pieces = [rest.pop(role) for role in roles]
            system.add(cell.name, pieces, cell.hits, "slot")
        left = less(part.name, part, [cell for _, cell in told])
        system.add(left.name, list(rest.values()), left.hits, "slot")
    for across, part in columns.items():
        pieces = [piece for (_, of), piece in hidden.items() if of == across]
        system.add(part.name, pieces, part.hits, "column")


def table_of(day: Day, key: Key) -> Table:
    """Return the cells of a pair."""
    return {
        at: part_of(f"{' '.join(key)} {' and '.join(at)}", history[max(history)])
        for at, history in day.pairs.get(key, {}).items()
    }


def _wholes(day: Day, whole: Seen, key: Key) -> tuple[dict[str, Part], dict[str, Part]]:
    """Return what is told of the rows, and of the columns, by other tables.

    What has no breakdown of its own, as a page view's role, is told of the whole segment, under the
    dimension ``segment``; and how long visits lasted is told of those that were entered.
    """
    segment, dimension, across = key
    first = whole.revisions[0]
    in_all = table_of(day, (segment, SEGMENT, across))
    if dimension == SEGMENT:
        total = whole.total(segment, first)
        if across == LENGTH:
            total = table_of(day, (segment, SEGMENT, ROLE)).get((segment, "entry"))
        return {} if total is None else {segment: total}, {}
    rows = whole.state(segment, dimension, first)
    columns = whole.state(segment, across, first) or {of: part for (_, of), part in in_all.items()}
    return rows, columns
