"""Pairs that the hours of the day would betray (docs/release.md, rule P, *confined*).

Where all of a value's rows are in one hour, or none of them in any, or in one edition of an hour,
its pairs are parts of what was said of that hour, and could be taken from it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.release.pairs import CELL

_SLOTS: Final = ("hour_at", "edition_at")
_EDITIONS: Final = 1 << 16


def confined(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of which one value has rows in one slot only, ``(other)`` like any.

    ``rows``: window, value, across (codes, as the day shows them), hour, edition (of the hour; 0
    where no hour released the row). Where a window has one slot in all, its hour says what it says.
    """
    base = pl.col("edition") > 0
    placed = rows.select(
        *CELL,
        hour_at=pl.when(base).then("hour"),
        edition_at=pl.when(base).then(pl.col("hour") * _EDITIONS + pl.col("edition")),
    )
    found = []
    for slot in _SLOTS:
        several = placed.filter(_differs(slot).over("window"))
        found += [
            several.filter(~_differs(slot).over("window", name)).select(CELL)
            for name in ("value", "across")
        ]
    return pl.concat(found).unique()


def _differs(slot: str) -> pl.Expr:
    return pl.col(slot).n_unique() > 1
