"""Visits of a closed day: which view began one, which ended it, and what came next.

A visit is a sequence of page views of one visitor on one day, of which none comes more than 30
minutes after the one before, and none by another campaign than the visitor's last one
(docs/analytics.md). A day's views are all known when it closes, so it does not matter in how many
batches, workers or restarts they came.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.visit_lengths import CLASSES, LONGEST

GAP: Final = 30 * 60
"""Seconds without a view that end a visit. Source: the default of GA4, Matomo and Plausible."""

BOUNCE: Final = "bounce"
ENTRY: Final = "entry"
BETWEEN: Final = "between"
EXIT: Final = "exit"
BEGAN: Final = "bounce or entry"
WENT_ON: Final = "between or exit"
PARTS: Final = {
    **dict.fromkeys((BOUNCE, ENTRY, BEGAN), BEGAN),
    **dict.fromkeys((BETWEEN, EXIT, WENT_ON), WENT_ON),
}
"""Where the roles of a value cannot all be told: whether its views began visits. A part is its own
part, for values of which no more is told to begin with."""
SPLITS: Final = {
    "began": PARTS,
    "ended": {BOUNCE: "ended", EXIT: "ended", ENTRY: "went on", BETWEEN: "went on"},
    "at one end": {ENTRY: "at one end", EXIT: "at one end", BOUNCE: "not", BETWEEN: "not"},
}
"""The three ways to put four roles together by two: whoever knows each knows these too."""
NO_CAMPAIGN: Final = "(none)"


def views(rows: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Return one row per page view, with what it was to its visit.

    ``rows`` are of views: window, visitor, hour, second, page, told_page (under which its own table
    shows the row) and campaign (codes), hits; other columns are kept. ``hits`` is 1 in the result,
    and there are ``begins`` (whether the view begins a visit), ``role``, ``next_page`` (the next
    view's told_page, null where nothing follows), ``seconds`` (UInt64: of a first view how long its
    visit lasted to the last one, 0 of all others) and ``visit_length`` (null where the view is no
    entry), all but the first and the seconds as codes. Visits stand together, in their order; views
    of one second count in the order of their pages' names.
    """
    single = _apart(rows) if _repeats(rows) else rows
    ordered = (
        single.with_columns(_rank(single, codes), at=pl.col("hour") + pl.col("second"))
        .sort("window", "visitor", "at", "order", maintain_order=True)
        .with_columns(person=_changes("window") | _changes("visitor"))
        .with_columns(first=_begins(codes))
        .with_columns(last=pl.col("first").shift(-1, fill_value=True))
    )
    alone = pl.col("first") & pl.col("last")
    entry = pl.col("first") & ~pl.col("last")
    role = (
        pl.when(alone)
        .then(codes.code(BOUNCE))
        .when("first")
        .then(codes.code(ENTRY))
        .when("last")
        .then(codes.code(EXIT))
        .otherwise(codes.code(BETWEEN))
    )
    told = ordered.with_columns(
        role=role,
        next_page=pl.when(~pl.col("last")).then(pl.col("told_page").shift(-1)),
        lasted=pl.when("last").then("at").backward_fill() - pl.col("at"),
    )
    made = told.with_columns(
        begins="first",
        seconds=pl.when(entry).then("lasted").otherwise(0).cast(pl.UInt64),
        visit_length=pl.when(entry).then(_length(codes)),
    )
    return made.drop("at", "order", "person", "first", "last", "lasted")


def _apart(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each of the views of one page in one second."""
    at = rows.select(pl.int_range(pl.len(), dtype=pl.UInt32).repeat_by("hits").explode())
    return rows[at.to_series()].with_columns(hits=pl.lit(1, pl.UInt64))


def _repeats(rows: pl.DataFrame) -> bool:
    return bool((rows["hits"] != 1).any())


def _rank(rows: pl.DataFrame, codes: Codes) -> pl.Series:
    """Return the place of each row's page among all pages' names: codes say nothing of order."""
    pages = rows.select(pl.col("page").unique())
    ranked = pages.with_columns(order=codes.decode(pl.col("page")).rank("dense"))
    return rows.select("page").join(ranked, on="page", how="left", maintain_order="left")["order"]


def _changes(name: str) -> pl.Expr:
    """Return whether a row has another value than the one before it; the first one has."""
    return pl.col(name).ne_missing(pl.col(name).shift(1))


def _begins(codes: Codes) -> pl.Expr:
    """Return whether a view begins a visit, given rows in order and whether a person is new."""
    person, campaign = pl.col("person"), pl.col("campaign")
    none = codes.code(NO_CAMPAIGN)
    # The last campaign up to and with each row; a person who has none yet begins with none.
    last = pl.when((campaign != none) | person).then(campaign).forward_fill()
    return (
        person
        | (pl.col("at") - pl.col("at").shift(1) > GAP)
        | ((campaign != none) & (campaign != last.shift(1)))
    )


def _length(codes: Codes) -> pl.Expr:
    name = codes.code(CLASSES[-1])
    for called, most in reversed(LONGEST.items()):
        if most is not None:
            name = pl.when(pl.col("lasted") <= most).then(codes.code(called)).otherwise(name)
    return name
