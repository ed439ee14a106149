"""Cells of a closing day that its hours' own cells tell apart (docs/release.md, rule D, *apart*).

An edition that shows a value has folded nothing of it. So everybody knows which slots a day's cell
has its open rows from, at most: those that did not show it. These slots together, less all cells
that can only come from them, must be safe as well.

A slot of which k visitors stay in ``(other)`` makes any such choice safe. What is left to look at
are cells that come from other slots alone: few, and with few sets of slots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.release.sets import distinct

MOST_UNIONS: Final = 256
"""Where the slots of a space can be joined in more ways, a cell is folded unseen."""

_PLACE: Final = ["space", "slot"]
_CELL: Final = ["space", "cell"]


@dataclass(slots=True)
class _Space:
    """Slot → cell (None: the rest) → visitors; and cell → the slots it can come from."""

    parts: dict[int, dict[int | None, set[int]]] = field(default_factory=dict)
    within: dict[int, frozenset[int]] = field(default_factory=dict)


def apart(rows: pl.DataFrame, shown: Callable[[pl.Series], pl.DataFrame], k: int) -> pl.DataFrame:
    """Return the own cells (space, cell) of which one must be folded in each space.

    ``rows``: open rows, with space, slot, cell, own, visitor; ``shown`` gives, of some spaces,
    space, slot and cell of what an edition showed under its own value.
    """
    nothing = pl.DataFrame(schema={"space": pl.UInt32, "cell": pl.UInt64})
    rest = rows.filter(~pl.col("own")).group_by(_PLACE).agg(left=distinct())
    slots = rows.select(_PLACE).unique().join(rest, on=_PLACE, how="left")
    thin = slots.filter(pl.col("left").fill_null(0) < k).select(_PLACE)
    if thin.is_empty():
        return nothing
    # Where no slot is thin there is nothing to look at.
    spaces = thin.get_column("space").unique()
    rows, slots = (frame.filter(pl.col("space").is_in(spaces.implode())) for frame in (rows, slots))
    good = slots.join(thin, on=_PLACE, how="anti").select(_PLACE)
    told = shown(spaces)
    barred = told.join(good, on=_PLACE, how="semi").group_by(_CELL).agg(barred=pl.len())
    suspects = (
        rows.filter("own")
        .select(_CELL)
        .unique()
        .join(good.group_by("space").agg(good=pl.len()), on="space", how="left")
        .join(barred, on=_CELL, how="left")
        .filter(pl.col("good").fill_null(0) == pl.col("barred").fill_null(0))
        .select(_CELL)
    )
    if suspects.is_empty():
        return nothing
    victims = [
        (space, cell)
        for space, one in _spaces(rows, thin, told, suspects).items()
        for cell in badly(one.parts, one.within, k)
    ]
    return pl.DataFrame(victims, nothing.schema, orient="row")


def _spaces(
    rows: pl.DataFrame, thin: pl.DataFrame, told: pl.DataFrame, suspects: pl.DataFrame
) -> dict[int, _Space]:
    """Return the spaces of the suspects, their thin slots alone."""
    found: dict[int, _Space] = defaultdict(_Space)
    near = thin.join(suspects, on="space", how="semi")
    parts = (
        rows.join(near, on=_PLACE, how="semi")
        .group_by(*_PLACE, column=pl.when("own").then("cell"))
        .agg(pl.col("visitor").unique())
    )
    for space, slot, column, visitors in parts.iter_rows():
        found[space].parts.setdefault(slot, {})[column] = set(visitors)
    barred: dict[tuple[int, int], set[int]] = defaultdict(set)
    hidden = told.join(suspects, on=_CELL, how="semi").join(near, on=_PLACE, how="semi")
    for space, slot, cell in hidden.select("space", "slot", "cell").iter_rows():
        barred[space, cell].add(slot)
    for space, cell in suspects.iter_rows():
        slots = found[space].parts.keys() - barred[space, cell]
        found[space].within[cell] = frozenset(slots)
    return found


def badly(
    parts: Mapping[int, Mapping[int | None, set[int]]],
    within: Mapping[int, frozenset[int]],
    k: int,
) -> set[int]:
    """Return the cells that lie in slots of which too little is left without them.

    ``parts``: slot → cell (None: the rest) → visitors; ``within``: cell → the slots it can come
    from.
    """
    unions = joined(within.values())
    if unions is None:
        return set(within)
    found: set[int] = set()
    for slots in unions:
        inside = {cell for cell, mine in within.items() if mine <= slots}
        left: set[int] = set()
        for visitors in _outside(parts, slots, inside):
            left |= visitors
            if len(left) >= k:
                break
        if 0 < len(left) < k:
            found |= inside
    return found


def _outside(
    parts: Mapping[int, Mapping[int | None, set[int]]], slots: Iterable[int], inside: set[int]
) -> Iterator[set[int]]:
    for slot in slots:
        yield from (visitors for cell, visitors in parts[slot].items() if cell not in inside)


def joined(sets: Iterable[frozenset[int]]) -> set[frozenset[int]] | None:
    """Return every union of some of ``sets``; None where there are too many."""
    unions: set[frozenset[int]] = set()
    for one in set(sets):
        unions |= {one, *(one | other for other in unions)}
        if len(unions) > MOST_UNIONS:
            return None
    return unions
