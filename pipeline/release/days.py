"""A day closes: its rows are joined to what its hours have published (docs/release.md, rule D).

Per dimension the hours have left two kinds of rows: those under their own value, which stay
there, and the open ones. Every open row comes from a ``slot``: the ``(other)`` of one edition of
one hour, or the rows of one audience that no hour released. Slots are known to the public as
sums; the day's cells cut across them, and the two must not be set against each other.
"""

from __future__ import annotations

import polars as pl

from pipeline.release.codes import Codes
from pipeline.release.editions import Edition
from pipeline.release.rules import AUDIENCE, BITS, PARENTS, Rules, may_join, too_few
from pipeline.release.sets import dense, distinct, pack, smallest

ARRIVALS = 1 << 31
"""Slots from here on hold rows that no hour has released."""


def close(rows: pl.DataFrame, k: int, rules: Rules, codes: Codes) -> Edition:
    """Decide the first edition of every day in ``rows``.

    ``rows``: window (UInt32), audience, the dimensions (codes), visitor (UInt32, dense), base
    (Boolean: published in its hour), label (UInt32: how), slot (UInt32: hour and edition of base
    rows, ARRIVALS and more for the others). The result's joined is true for base rows as well.
    """
    gate = rows.select("base", "visitor", cell=pack("window", AUDIENCE)).select(
        pl.col("base") | _joins(k, ~pl.col("base"), pl.col("base"), growth=True)
    )
    joined = gate.to_series()
    part = rows.filter(joined)
    own: dict[str, pl.Series] = {}
    for dimension in PARENTS:
        parent = rules.parent(dimension)
        inside = None if parent in {None, AUDIENCE} else own[str(parent)]
        own[dimension] = _label(part, dimension, parent, inside, k, rules, codes)
    mask = part.select(
        pl.sum_horizontal(
            pl.lit(own[name]).cast(pl.UInt32) * bit for name, bit in BITS.items()
        ).cast(pl.UInt32)
    ).to_series()
    label = pl.repeat(0, rows.height, dtype=pl.UInt32, eager=True).scatter(joined.arg_true(), mask)
    return Edition(joined, label)


def _joins(k: int, added: pl.Expr, known: pl.Expr, *, growth: bool) -> pl.Expr:
    """Return per row whether its cell's ``added`` rows may join the ``known`` ones."""
    touched = distinct(added).over("cell")
    known_visitors = distinct(known).over("cell")
    if not growth:
        return (touched >= k) | (known_visitors > 0)
    return may_join(touched, distinct(added | known).over("cell") - known_visitors, k)


def _label(
    part: pl.DataFrame,
    dimension: str,
    parent: str | None,
    inside: pl.Series | None,
    k: int,
    rules: Rules,
    codes: Codes,
) -> pl.Series:
    """Return per row whether it stands under its own value in the day."""
    in_parent = pl.lit(True)  # noqa: FBT003
    slot = pl.col("slot")
    if inside is not None:
        in_hour = pl.col("base") & (pl.col("label") & BITS[str(parent)] != 0)
        slot = pl.when(in_hour).then(slot).otherwise(pl.lit(ARRIVALS, dtype=pl.UInt32))
        in_parent = pl.lit(inside)
    universe = (
        part.select(
            "visitor",
            value=pl.col(dimension),
            known=pl.col("base") & (pl.col("label") & BITS[dimension] != 0),
            slot=slot,
            space=pl.col("window") if parent is None else dense(pack("window", parent)),
            inside=in_parent,
        )
        .with_row_index("row")
        .filter("inside")
        .with_columns(cell=pack("space", "value"))
    )
    known = pl.col("known")
    universe = universe.with_columns(own=known | _joins(k, ~known, known, growth=rules.growth))
    open_rows = universe.filter(~known).drop("known", "inside")
    folded = _repair(open_rows, k, rules, codes)
    stays = universe.select(
        own=pl.col("own") & (known | ~pl.col("cell").is_in(folded.implode()))
    ).to_series()
    none = pl.repeat(False, part.height, eager=True)  # noqa: FBT003
    return none.scatter(universe["row"], stays)


def _repair(rows: pl.DataFrame, k: int, rules: Rules, codes: Codes) -> pl.Series:
    """Return the cells whose open rows must go to ``(other)`` after all.

    ``rows``: the open rows as Cells, with slot and own. In each round every universe that breaks
    a rule folds one cell; with all folded no rule can be broken, since each slot by itself stands
    for at least k visitors.
    """
    folded: list[pl.Series] = []
    while rows.height:
        victims = _victims(rows, k, rules, codes)
        if victims.is_empty():
            break
        folded.append(victims)
        spaces = (victims // (1 << 32)).cast(pl.UInt32)
        rows = rows.filter(pl.col("space").is_in(spaces.implode())).with_columns(
            own=pl.col("own") & ~pl.col("cell").is_in(victims.implode())
        )
    return pl.concat(folded) if folded else pl.Series([], dtype=pl.UInt64)


def _victims(rows: pl.DataFrame, k: int, rules: Rules, codes: Codes) -> pl.Series:
    """Return one cell to fold for every universe that breaks a rule; the first rule decides."""
    own = pl.col("own")
    cells = (
        rows.filter(own)
        .group_by("space", "value", "cell")
        .agg(visitors=distinct(), first=pl.col("slot").min(), last=pl.col("slot").max())
    )
    if cells.is_empty():
        return pl.Series([], dtype=pl.UInt64)
    found: list[pl.DataFrame] = []
    if rules.pull:
        short = _short(rows.filter(~own), k)
        found.append(cells.join(short, on="space"))
    if rules.alone:
        found.extend(_alone(rows, cells, k))
    if rules.split:
        found.append(_split(rows, cells, k))
    if rules.arrivals:
        short = _short(rows.filter(~own & (pl.col("slot") >= ARRIVALS)), k)
        found.append(cells.filter(pl.col("last") >= ARRIVALS).join(short, on="space"))
    columns = ["space", "value", "cell", "visitors"]
    ordered = [frame.select(columns).with_columns(rule=at) for at, frame in enumerate(found)]
    candidates = pl.concat(ordered)
    first = candidates.group_by("space").agg(pl.col("rule").min())
    return smallest(candidates.join(first, on=["space", "rule"]), "space", codes)


def _short(rows: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return the universes where ``rows`` stand for somebody, but for too few."""
    counts = rows.group_by("space").agg(visitors=distinct())
    return counts.filter(too_few(pl.col("visitors"), k)).select("space")


def _alone(rows: pl.DataFrame, cells: pl.DataFrame, k: int) -> list[pl.DataFrame]:
    """Return own cells of a slot of which too little is left without what lies in it alone.

    A cell, or the rest, that has rows of one slot only can be taken from that slot. First come
    the cells that lie in the slot alone, then all that touch it.
    """
    rest = pl.col("space").cast(pl.UInt64) * (1 << 32) + pl.lit((1 << 32) - 1, dtype=pl.UInt64)
    columns = rows.with_columns(column=pl.when("own").then("cell").otherwise(rest)).with_columns(
        single=pl.col("slot").min().over("column") == pl.col("slot").max().over("column")
    )
    left = (
        columns.filter(pl.col("single").any().over("space", "slot") & ~pl.col("single"))
        .group_by("space", "slot")
        .agg(left=distinct())
        .filter(too_few(pl.col("left"), k))
        .group_by("space")
        .agg(pl.col("slot").min())
    )
    touching = (
        columns.filter("own")
        .join(left, on=["space", "slot"], how="semi")
        .select("cell", "single")
        .unique()
    )
    single = touching.filter("single").select("cell")
    return [cells.join(part.select("cell"), on="cell", how="semi") for part in (single, touching)]


def _split(rows: pl.DataFrame, cells: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return cells that take part of a slot, where the parts taken or left are too little.

    All slots that are partly taken count together: by the day's ``(other)`` less the untouched
    slots, the public knows what is left of them, and so what was taken.
    """
    own = pl.col("own")
    parts = rows.with_columns(
        split=own.any().over("space", "slot") & ~own.all().over("space", "slot")
    ).filter("split")
    short = (
        parts.group_by("space")
        .agg(left=distinct(~own), taken=distinct(own))
        .filter(too_few(pl.col("left"), k) | too_few(pl.col("taken"), k))
        .select("space")
    )
    touching = parts.filter(own).select("cell").unique()
    return cells.join(short, on="space").join(touching, on="cell", how="semi")
