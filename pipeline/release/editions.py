"""An edition: rows that are added to what a window has already published, or to nothing.

The first edition of an hour, its late ones, and the late ones of a closed day are all this. Each
dimension partitions exactly the added rows, so the published sets of a window stay unions of
parts that each stand for at least k visitors (docs/release.md, rules H and L).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipeline.codes import Codes
from pipeline.events import DIMENSIONS
from pipeline.release.alone import Alone, Label
from pipeline.release.joining import joining
from pipeline.release.rules import BITS, Rules, too_few
from pipeline.release.sets import distinct, gate_of, keys_of, smallest, space_of


@dataclass(frozen=True, slots=True)
class Edition:
    """Per row of the input: whether it joins its window now, and its label if it does."""

    joined: pl.Series
    label: pl.Series


def edition(rows: pl.DataFrame, k: int, rules: Rules, codes: Codes) -> Edition:
    """Decide the next edition of every window in ``rows``.

    ``rows``: whole and window (UInt32), robot (Boolean), the dimensions (codes), visitor (UInt32,
    dense), base (Boolean: already published in this window), label (UInt32: how, see rules.BITS).
    """
    based = bool(rows.get_column("base").any())
    base = pl.col("base")
    gate = rows.select("base", "visitor", *gate_of(rules), add=~base)
    joins = joining(gate, base, k, growth=rules.late)
    rows = rows.with_columns(
        add=gate.select(~base & pl.col("cell").is_in(joins.implode())).to_series(),
    ).with_row_index("place")
    part = rows.filter(pl.col("base") | pl.col("add"))
    failed = pl.Series([], dtype=pl.UInt32)
    own: dict[str, pl.Series] = {}

    def work(part: pl.DataFrame, dimension: str, inside: pl.Series | None) -> Label:
        return _label(_cells(part, dimension, inside, rules), k, rules, codes, based=based)

    alone = Alone(part, rules, work)
    for dimension in DIMENSIONS:
        parent = rules.parent(dimension)
        inside = None if parent is None else own[parent]
        own[dimension], lost = alone.label(dimension, inside)
        failed = failed.append(lost)
    mask = part.select(
        "place",
        joined=pl.col("add") & ~pl.col("whole").is_in(failed.implode()),
        label=pl.sum_horizontal(
            pl.lit(own[name]).cast(pl.UInt32) * bit for name, bit in BITS.items()
        ).cast(pl.UInt32),
    ).filter("joined")
    joined = pl.repeat(False, rows.height, eager=True).scatter(mask["place"], True)  # noqa: FBT003
    label = pl.repeat(0, rows.height, dtype=pl.UInt32, eager=True).scatter(
        mask["place"], mask["label"]
    )
    return Edition(joined, label)


def _cells(
    part: pl.DataFrame, dimension: str, inside: pl.Series | None, rules: Rules
) -> pl.DataFrame:
    """Return the Cells of a dimension, with add, base, known (base under its own value), at."""
    frame = part.select(
        "whole",
        "window",
        "visitor",
        "base",
        "add",
        value=pl.col(dimension),
        known=pl.col("base") & (pl.col("label") & BITS[dimension] != 0),
        inside=pl.lit(True if inside is None else inside),
        space=space_of(None if inside is None else rules.parent(dimension)),
    )
    return frame.with_columns(*keys_of(rules))


def _label(cells: pl.DataFrame, k: int, rules: Rules, codes: Codes, *, based: bool) -> Label:
    """Return per row whether it stands under its own value, and the wholes that must wait."""
    universe = cells.with_row_index("row").filter("inside")
    joins = joining(universe, pl.col("known"), k, growth=rules.late)
    universe = universe.with_columns(own=pl.col("add") & pl.col("cell").is_in(joins.implode()))
    if rules.pull:
        short = (
            universe.filter(pl.col("add") & ~pl.col("own"))
            .group_by("space")
            .agg(rest=distinct())
            .filter(too_few(pl.col("rest"), k))
        )
        universe = _pull(universe, "space", short, codes)
    lost = pl.Series([], dtype=pl.UInt32)
    own = cells.select(own=pl.col("known")).to_series()
    own = own.scatter(universe["row"], universe["own"] | universe["known"])
    if based and rules.late:
        own, lost = _settle(cells.with_columns(own=own), k, rules, codes)
    return own, lost


def _pull(universe: pl.DataFrame, by: str, short: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Fold the smallest added own cell of each ``by`` listed in ``short``."""
    if short.is_empty():
        return universe
    victims = smallest(
        universe.filter(pl.col("add") & pl.col("own") & pl.col(by).is_in(short[by].implode()))
        .group_by(by, "value", "cell")
        .agg(visitors=distinct()),
        by,
        codes,
    )
    keep = ~(pl.col("add") & pl.col("cell").is_in(victims.implode()))
    return universe.with_columns(own=pl.col("own") & keep)


def _settle(cells: pl.DataFrame, k: int, rules: Rules, codes: Codes) -> Label:
    """Let ``(other)`` grow by no visitor or by k, folding more cells; or the whole must wait.

    There is one of each segment, and one of all together.
    """
    levels = ("window", "whole") if rules.combined else ("window",)
    while True:
        short = {by: _grows_badly(cells, by, k) for by in levels}
        folded = cells
        for by, found in short.items():
            folded = _pull(folded, by, found, codes)
        if folded["own"].equals(cells["own"]):
            bad = pl.any_horizontal(
                pl.col(by).is_in(found[by].implode()) for by, found in short.items()
            )
            return cells["own"], cells.filter(bad).get_column("whole").unique()
        cells = folded


def _grows_badly(cells: pl.DataFrame, by: str, k: int) -> pl.DataFrame:
    return (
        cells.filter(~pl.col("own"))
        .group_by(by)
        .agg(
            added=pl.col("add").any(),
            new=distinct() - distinct(pl.col("base")),
        )
        .filter(pl.col("added") & too_few(pl.col("new"), k))
    )
