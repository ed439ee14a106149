"""Two things at a time: cells, and the margins that other tables tell."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.attack.linear import System
from pipeline.attack.numbers import SEGMENT, Day
from pipeline.attack.relations import Part, Relation, less
from pipeline.attack.windows import Seen, part_of
from pipeline.rows import OTHER

Table = dict[tuple[str, str], Part]
"""(value, across value) → cell."""


def margins(day: Day, whole: Seen) -> Iterator[Relation]:
    """Yield each row and column of each table of pairs with what is known of it all together."""
    for key in day.pairs:
        table = _table(day, key)
        for side, wholes in enumerate(_wholes(day, whole, key)):
            for value, part in wholes.items():
                cells = tuple(cell for at, cell in table.items() if at[side] == value)
                if cells:
                    about = "pairs of a column" if side else "pairs of a row"
                    yield Relation(about, part, cells)


def pair_tables(day: Day, whole: Seen) -> Iterator[System]:
    """Yield each table of pairs as rows by columns, of which what was not shown is unknown."""
    for key in day.pairs:
        table = _table(day, key)
        rows, columns = (
            {
                value: less(
                    f"{part.name} less its pairs by {' and '.join(key[1:])}",
                    part,
                    [c for at, c in table.items() if at[side] == value and OTHER not in at],
                )
                for value, part in wholes.items()
            }
            for side, wholes in enumerate(_wholes(day, whole, key))
        )
        if not rows or not columns:
            continue
        system = System(f"{whole.name} {' '.join(key)}")
        open_cells = {
            (value, across): f"{value} and {across} that are not shown"
            for value in rows
            for across in columns
            if (value, across) not in table or OTHER in {value, across}
        }
        for side, sums, name in ((0, rows, "slot"), (1, columns, "column")):
            for value, part in sums.items():
                pieces = [piece for at, piece in open_cells.items() if at[side] == value]
                system.add(part.name, pieces, part.hits, name)
        yield system


def _table(day: Day, key: tuple[str, str, str]) -> Table:
    name = f"{' '.join(key)}"
    return {
        at: part_of(f"{name} {' and '.join(at)}", history[max(history)])
        for at, history in day.pairs[key].items()
    }


def _wholes(
    day: Day, whole: Seen, key: tuple[str, str, str]
) -> tuple[dict[str, Part], dict[str, Part]]:
    """Return what is told of the rows, and of the columns, by other tables.

    A day's pairs are of its first edition. What has no breakdown of its own, as a page view's role,
    is told of the whole segment, under the dimension ``segment``.
    """
    segment, dimension, across = key
    first = whole.revisions[0]
    if dimension == SEGMENT:
        total = whole.total(segment, first)
        rows = {} if total is None else {segment: total}
    else:
        rows = whole.state(segment, dimension, first)
    columns = whole.state(segment, across, first)
    if not columns and dimension != SEGMENT:
        table = day.pairs.get((segment, SEGMENT, across), {})
        columns = {
            of: part_of(f"{segment} {across} {of}", history[max(history)])
            for (_, of), history in table.items()
        }
    return rows, columns
