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
from pipeline.attack.windows import Seen, part_of
from pipeline.events import DIMENSIONS
from pipeline.rows import OTHER

ROLE: Final = "role"
NEXT: Final = "next_page"
LENGTH: Final = "visit_length"
_OF_A_PERSON: Final = frozenset({SEGMENT, "browser", "system", "device", "country", "provider"})
"""What does not change during a visit."""

Table = dict[tuple[str, str], Part]
"""(value, across value) → cell."""
Key = tuple[str, str, str]
"""Segment, dimension, across."""


def margins(day: Day, whole: Seen) -> Iterator[Relation]:
    """Yield each row and column of each table of pairs with what is known of it all together."""
    for key in day.pairs:
        table = _table(day, key)
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


_ROLES: Final = (
    (("entry", "between"), ("exit", "bounce")),
    (("between", "exit"), ("entry", "bounce")),
)
"""By side of a move: what the views are to their visits that it is made of, and the other views."""


def _moves(day: Day, key: Key, pages: dict[str, Part], side: int) -> Iterator[Relation]:
    """Yield a page's views, and those that another followed or that followed another, with moves.

    With any of the page's other views that are told, too: those are in no move.
    """
    moves, roles = _table(day, key), _table(day, (key[0], key[1], ROLE))
    about = "what a page followed" if side else "what followed a page"
    for page in {at[side] for at in moves}:
        cells = tuple(cell for at, cell in moves.items() if at[side] == page)
        moving, others = ([roles[page, x] for x in of if (page, x) in roles] for of in _ROLES[side])
        if len(moving) == len(_ROLES[side][0]):
            yield Relation(about, added(f"{page}, {_MOVING[side]}", moving), cells)
        for count in range(len(others) + 1):
            for some in combinations(others, count):
                if page in pages:
                    yield Relation(about, pages[page], (*cells, *some))


_MOVING: Final = ("before others", "after others")


def equal(day: Day, whole: Seen) -> Iterator[Relation]:
    """Yield what has as many hits as something else has: both are of the same visits."""
    for segment, dimension, across in day.pairs:
        table = _table(day, (segment, dimension, across))
        if across == ROLE and dimension in _OF_A_PERSON:
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
        table = _table(day, key)
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


def pair_tables(day: Day, whole: Seen) -> Iterator[System]:
    """Yield each table of pairs as rows by columns, of which what was not shown is unknown."""
    for key in day.pairs:
        table = {at: cell for at, cell in _table(day, key).items() if OTHER not in at}
        rows, columns = (
            {
                value: less(
                    f"{part.name} less its pairs by {' and '.join(key[1:])}",
                    part,
                    [cell for at, cell in table.items() if at[side] == value],
                )
                for value, part in wholes.items()
            }
            for side, wholes in enumerate(_wholes(day, whole, key))
        )
        if not rows or not columns:
            continue
        system = System(f"{whole.name} {' '.join(key)}")
        hidden = {
            at: f"{' and '.join(at)} that are not shown"
            for at in ((value, across) for value in rows for across in columns)
            if at not in table
        }
        for side, sums, name in ((0, rows, "slot"), (1, columns, "column")):
            for value, part in sums.items():
                pieces = [piece for at, piece in hidden.items() if at[side] == value]
                system.add(part.name, pieces, part.hits, name)
        yield system


def _table(day: Day, key: Key) -> Table:
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
    in_all = _table(day, (segment, SEGMENT, across))
    if dimension == SEGMENT:
        total = whole.total(segment, first)
        if across == LENGTH:
            total = _table(day, (segment, SEGMENT, ROLE)).get((segment, "entry"))
        return {} if total is None else {segment: total}, {}
    rows = whole.state(segment, dimension, first)
    columns = whole.state(segment, across, first) or {of: part for (_, of), part in in_all.items()}
    return rows, columns
