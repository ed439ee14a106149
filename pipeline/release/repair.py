"""Folds the cells of a closing day that could be set against what its hours said.

The open rows of a space are cut twice. By slot: each slot's sum is public, from the hours and
from the traffic. By column: each own cell of the day, and the rest that goes to ``(other)``. Both
cuts are harmless by themselves; these rules look after their differences.

==========  ======  =============================================================
``space``   UInt32  the universe, dense
``slot``    UInt64  where the row comes from, within the space
``value``   UInt32  code of the dimension's value
``cell``    UInt64  the cell it would be counted in
``own``     Boolean whether it is
``rest``    UInt64  the part of ``(other)`` it is counted in where it is not
``visitor`` UInt32  dense
==========  ======  =============================================================
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipeline.codes import Codes
from pipeline.release.apart import apart
from pipeline.release.rules import Rules, too_few
from pipeline.release.sets import distinct, smallest

_OWN = pl.col("own")


def repair(
    rows: pl.DataFrame,
    k: int,
    rules: Rules,
    codes: Codes,
    shown: Callable[[pl.Series], pl.DataFrame] | None = None,
) -> pl.Series:
    """Return the cells whose open rows must go to ``(other)`` after all.

    In each round every space that breaks a rule folds one cell. With all of them folded no rule
    can be broken, since each slot by itself stands for at least k visitors. ``shown`` is told to
    ``apart``; where it is None, that rule is left out.
    """
    folded = [pl.Series([], dtype=pl.UInt64)]
    while not rows.is_empty():
        victims = _victims(rows, k, rules, codes, shown)
        if victims.is_empty():
            break
        folded.append(victims)
        hit = pl.col("cell").is_in(victims.implode())
        spaces = rows.filter(hit).get_column("space").unique()
        rows = rows.filter(pl.col("space").is_in(spaces.implode())).with_columns(own=_OWN & ~hit)
    return pl.concat(folded)


def _victims(
    rows: pl.DataFrame,
    k: int,
    rules: Rules,
    codes: Codes,
    shown: Callable[[pl.Series], pl.DataFrame] | None,
) -> pl.Series:
    """Return one cell to fold for every space that breaks a rule; the first rule decides."""
    cells = rows.filter(_OWN).group_by("space", "value", "cell").agg(visitors=distinct())
    if cells.is_empty() or not (rules.pull or rules.alone or rules.split):
        return pl.Series([], dtype=pl.UInt64)
    found: list[pl.DataFrame] = []
    if rules.pull:
        found.append(cells.join(_short(rows.filter(~_OWN), k), on="space"))
    if rules.alone:
        found.extend(cells.join(part, on="cell", how="semi") for part in _alone(rows, k))
    if rules.split:
        short, touching = _split(rows, k)
        found.append(cells.join(short, on="space").join(touching, on="cell", how="semi"))
    if rules.apart and shown is not None:
        found.append(cells.join(apart(rows, shown, k), on=["space", "cell"], how="semi"))
    broken = pl.concat([frame.with_columns(rule=at) for at, frame in enumerate(found)])
    first = broken.group_by("space").agg(pl.col("rule").min())
    return smallest(broken.join(first, on=["space", "rule"]), "space", codes)


def _short(rows: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return the spaces where ``rows`` stand for somebody, but for too few."""
    counts = rows.group_by("space").agg(visitors=distinct())
    return counts.filter(too_few(pl.col("visitors"), k)).select("space")


def _alone(rows: pl.DataFrame, k: int) -> list[pl.DataFrame]:
    """Return own cells of slots of which too little is left without what lies in them alone.

    A column that has rows of one slot only can be taken from that slot. First come the cells that
    lie in such a slot alone, then all that touch it, then those whose folding would spread a rest
    that lies in it alone.
    """
    slot = pl.col("slot")
    columns = rows.with_columns(column=pl.when("own").then("cell").otherwise("rest"))
    columns = columns.with_columns(
        single=slot.min().over("space", "column") == slot.max().over("space", "column")
    )
    short = (
        columns.filter(pl.col("single").any().over("space", "slot") & ~pl.col("single"))
        .group_by("space", "slot")
        .agg(left=distinct())
        .filter(too_few(pl.col("left"), k))
    )
    near = columns.join(short, on=["space", "slot"], how="semi")
    touching = near.filter("own")
    lonely = near.filter(pl.col("single") & ~_OWN)
    spreading = columns.filter("own").join(lonely, on="rest", how="semi")
    parts = (touching.filter("single"), touching, spreading)
    return [part.select("cell").unique() for part in parts]


def _split(rows: pl.DataFrame, k: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the spaces whose slots are split badly, and the cells that have part of those slots.

    Slots taken in part count together: from the rest, the untouched slots can be taken, and what
    stays are the parts left over; and in the same way the parts taken.
    """
    taken = _OWN.any().over("space", "slot")
    parts = rows.filter(taken & ~_OWN.all().over("space", "slot"))
    short = (
        parts.group_by("space")
        .agg(left=distinct(~_OWN), taken=distinct(_OWN))
        .filter(too_few(pl.col("left"), k) | too_few(pl.col("taken"), k))
        .select("space")
    )
    return short, parts.filter(_OWN).select("cell").unique()
