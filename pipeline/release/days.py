"""A day closes: its rows are joined to what its hours have published (docs/release.md, rule D).

Per dimension the hours have left two kinds of rows: those under their own value, which stay
there, and the open ones. Every open row comes from a ``slot``: the ``(other)`` of one edition of
one hour, or the rows that no hour released. Slots are known to the public as
sums; the day's cells cut across them, and the two must not be set against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.release.editions import Edition
from pipeline.release.floors import reached, where_needed
from pipeline.release.gate import admitted
from pipeline.release.joining import Joining
from pipeline.release.labelling import Label, Labeller
from pipeline.release.repair import repair
from pipeline.release.rules import Rules
from pipeline.release.sets import keys_of

ARRIVALS: Final = 1 << 31
"""The slot of rows that no hour has released."""

_Table = tuple[pl.DataFrame, Callable[[pl.Series], pl.DataFrame] | None]
"""Rows, and what each edition of an hour showed in some spaces: what ``repair`` takes."""

_HIGH: Final = 1 << 32
_NONE: Final = pl.Series([], dtype=pl.UInt32)


def close(rows: pl.DataFrame, k: int, floor: int, rules: Rules, codes: Codes) -> Edition:
    """Decide the first edition of every day in ``rows``; ``floor`` is that of places.

    ``rows``: whole and window (UInt32), robot (Boolean), the dimensions (codes), visitor (UInt32,
    dense), base (Boolean: published in its hour), label (UInt32: how), slot (UInt32: hour and
    edition of base rows, ARRIVALS for the others). The result's joined is true for base rows as
    well.
    """
    joined = rows.get_column("base") | admitted(rows, k, rules, growth=True)
    part = rows.filter(joined)

    def work(part: pl.DataFrame, nested: bool, floored: bool) -> Label:  # noqa: FBT001
        least = floor if floored else k
        return _label(part, k, least, rules, codes, nested=nested), _NONE

    floors = where_needed(part, codes) if floor > k else {}
    mask, _ = Labeller(part, rules, work, floors).labels()
    label = pl.repeat(0, rows.height, dtype=pl.UInt32, eager=True).scatter(joined.arg_true(), mask)
    return Edition(joined, label)


def _label(
    rows: pl.DataFrame, k: int, least: int, rules: Rules, codes: Codes, *, nested: bool
) -> pl.Series:
    """Return per row whether it stands under its own value in the day.

    ``least``: the visitors of an own cell. ``nested``: of dimensions within others, of whose own
    value some row may not stand.
    """
    known = pl.col("known")
    rows = rows.with_columns(*keys_of(rules), add=pl.col("inside") & ~known)
    candidates = rows
    if least > k:
        enough = reached(rows, least, codes)
        candidates = rows.with_columns(add=pl.col("add") & pl.col("cell").is_in(enough.implode()))
    joins = Joining(candidates, known, k, growth=rules.growth)
    rows = rows.with_columns(
        own=known | (pl.col("add") & pl.col("cell").is_in(joins.cells.implode()))
    )
    open_rows = rows.filter(~known).with_columns(
        rest=(pl.when("inside").then("space").otherwise(_HIGH - 2)).cast(pl.UInt64) * _HIGH
        + (_HIGH - 1)
    )

    def shown(spaces: pl.Series) -> pl.DataFrame:
        """Return what each edition of an hour showed in ``spaces`` under its own value."""
        told = rows.filter(known & pl.col("space").is_in(spaces.implode()))
        told = told.select("space", "slot", "cell")
        # A cell lies in one space, so the other two tell all rows apart.
        return told.unique(["slot", "cell"]).with_columns(pl.col("slot").cast(pl.UInt64))

    tables: list[_Table]
    if not nested:
        tables = [(open_rows.with_columns(slot=pl.col("slot").cast(pl.UInt64)), shown)]
    else:
        slot = pl.col("slot").cast(pl.UInt64)
        within = open_rows.with_columns(
            slot=pl.when("in_hour").then(slot).otherwise(ARRIVALS)
        ).filter("inside")
        across = open_rows.with_columns(
            slot=pl.when("in_hour").then((pl.col("space") + 1).cast(pl.UInt64) * _HIGH).otherwise(0)
            + slot,
            space=pl.col("window"),
        )
        tables = [(within, shown)]
        if rules.levels:
            tables.append((across, None))
    folded = _repaired(tables, joins, k, rules, codes)
    return rows.select(known | pl.col("own") & ~pl.col("cell").is_in(folded.implode())).to_series()


def _repaired(
    tables: Sequence[_Table],
    joins: Joining,
    k: int,
    rules: Rules,
    codes: Codes,
) -> pl.Series:
    """Return the cells to fold: repair each of ``tables`` (``repair``), until all hold.

    A nested dimension has two. The first has a space for each parent value, where what the parent's
    cell gained in the day is one slot. The other has one for the whole window, where that slot
    falls into the parent's ``(other)`` of each hour and the arrivals; nothing but sums tells the
    two apart. What may not join without a folded cell is folded as well.
    """
    folded = joins.cells.clear()
    holding = 0
    for rows, told in cycle(tables):
        own = pl.col("own") & ~pl.col("cell").is_in(folded.implode())
        found = repair(rows.with_columns(own=own), k, rules, codes, told)
        lost = joins.without(found)
        folded = pl.concat([folded, found, lost])
        # What is repaired holds until more is folded for another reason.
        holding = 0 if len(lost) else 1 if len(found) else holding + 1
        if holding == len(tables):
            break
    return folded
