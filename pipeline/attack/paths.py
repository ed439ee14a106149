"""What is left of pages, of their roles and of moves, besides the paths that go through them.

A path's number is that of its visits' first views, and of their second ones, and so on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from pipeline.attack.numbers import SEGMENT, Day
from pipeline.attack.pairs import NEXT, PATH, ROLE, Key, Table, table_of
from pipeline.attack.relations import Part, Relation
from pipeline.attack.windows import Seen
from pipeline.rows import MORE, THEN

_Taken = dict[tuple[str, str], list[Part]]
"""(page, its role or what followed it) → the views of it that are in paths."""


def paths(day: Day, whole: Seen) -> Iterator[Relation]:
    """Yield each page, role of a page and move with the paths that are parts of it."""
    for segment, dimension, across in day.pairs:
        if across != PATH:
            continue
        by_role, by_move = _taken(table_of(day, (segment, dimension, across)))
        yield from _within(day, (segment, dimension, ROLE), by_role)
        yield from _within(day, (segment, dimension, NEXT), by_move)
        pages: dict[str, list[Part]] = defaultdict(list)
        roles: dict[str, list[Part]] = defaultdict(list)
        for (page, role), parts in by_role.items():
            pages[page] += parts
            roles[role] += parts
        state = whole.state(segment, dimension, whole.revisions[0])
        in_all = {role: part for (_, role), part in table_of(day, (segment, SEGMENT, ROLE)).items()}
        for told, found in ((state, pages), (in_all, roles)):
            for name, parts in found.items():
                if name in told:
                    yield Relation("paths through a page", told[name], tuple(parts))


def _within(day: Day, key: Key, taken: _Taken) -> Iterator[Relation]:
    table = table_of(day, key)
    for at, parts in taken.items():
        if at in table:
            yield Relation("paths through a page", table[at], tuple(parts))


def _taken(table: Table) -> tuple[_Taken, _Taken]:
    """Return what paths take of pages by role, and of moves."""
    by_role: _Taken = defaultdict(list)
    by_move: _Taken = defaultdict(list)
    for (_, path), part in table.items():
        pages = path.split(THEN)
        for at, page in enumerate(pages):
            if page == MORE:
                continue
            spot = replace(part, name=f"{part.name}, view {at + 1}")
            by_role[page, _role(at, pages)].append(spot)
            if pages[at + 1 :] not in ([], [MORE]):
                by_move[page, pages[at + 1]].append(spot)
    return by_role, by_move


def _role(at: int, pages: list[str]) -> str:
    last = at + 1 == len(pages)
    if at == 0:
        return "bounce" if last else "entry"
    return "exit" if last else "between"
