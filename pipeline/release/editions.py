"""An edition: rows that are added to what a window has already published, or to nothing.

The first edition of an hour, its late ones, and the late ones of a closed day are all this. Each
dimension partitions exactly the added rows, so the published sets of a window stay unions of
parts that each stand for at least k visitors (docs/release.md, rules H and L).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipeline.codes import Codes
from pipeline.release.floors import reached, where_needed
from pipeline.release.gate import admitted
from pipeline.release.joining import Joining
from pipeline.release.labelling import Label, Labeller
from pipeline.release.rules import Rules, too_few
from pipeline.release.sets import distinct, keys_of, smallest


@dataclass(frozen=True, slots=True)
class Edition:
    """Per row of the input: whether it joins its window now, and its label if it does."""

    joined: pl.Series
    label: pl.Series


def edition(rows: pl.DataFrame, k: int, floor: int, rules: Rules, codes: Codes) -> Edition:
    """Decide the next edition of every window in ``rows``; ``floor`` is that of places.

    ``rows``: whole and window (UInt32), robot (Boolean), the dimensions (codes), visitor (UInt32,
    dense), base (Boolean: already published in this window), label (UInt32: how, see rules.BITS).
    """
    based = bool(rows.get_column("base").any())
    rows = rows.with_columns(add=admitted(rows, k, rules, growth=rules.late)).with_row_index("nth")
    part = rows.filter(pl.col("base") | pl.col("add"))

    def work(cells: pl.DataFrame, nested: bool, floored: bool) -> Label:  # noqa: ARG001, FBT001
        least = floor if floored else k
        keys = keys_of(rules)[: None if based else 1]
        return _label(cells.with_columns(*keys), k, least, rules, codes, based=based)

    floors = where_needed(part, codes) if floor > k else {}
    label, failed = Labeller(part, rules, work, floors).labels()
    mask = part.select(
        "nth",
        joined=pl.col("add") & ~pl.col("whole").is_in(failed.implode()),
        label=label,
    ).filter("joined")
    joined = pl.repeat(False, rows.height, eager=True).scatter(mask["nth"], True)  # noqa: FBT003
    label = pl.repeat(0, rows.height, dtype=pl.UInt32, eager=True).scatter(
        mask["nth"], mask["label"]
    )
    return Edition(joined, label)


def _label(
    cells: pl.DataFrame, k: int, least: int, rules: Rules, codes: Codes, *, based: bool
) -> Label:
    """Return per row whether it stands under its own value, and the wholes that must wait.

    ``least``: the visitors of an own cell.
    """
    universe = cells.with_row_index("row").filter("inside")
    candidates = universe
    if least > k:
        enough = pl.col("cell").is_in(reached(universe, least, codes).implode())
        candidates = universe.with_columns(add=pl.col("add") & enough)
    joins = Joining(candidates, pl.col("known"), k, growth=rules.late)
    universe = universe.with_columns(
        own=pl.col("add") & pl.col("cell").is_in(joins.cells.implode())
    )
    if rules.pull:
        short = (
            universe.filter(pl.col("add") & ~pl.col("own"))
            .group_by("space")
            .agg(rest=distinct())
            .filter(too_few(pl.col("rest"), k))
        )
        universe = _pull(universe, "space", short, codes)
    own = cells.select(own=pl.col("known")).to_series()
    cells = cells.with_columns(
        own=own.scatter(universe["row"], universe["own"] | universe["known"])
    )
    if not (based and rules.late):
        return cells["own"], pl.Series([], dtype=pl.UInt32)
    while True:
        own, lost = _settle(cells, k, rules, codes)
        kept = cells.filter(own & cells["add"]).get_column("cell").unique()
        gone = joins.without(joins.cells.filter(~joins.cells.is_in(kept.implode())))
        if gone.is_empty():
            return own, lost
        left = own & ~(cells["add"] & cells["cell"].is_in(gone.implode()))
        cells = cells.with_columns(own=left)


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
