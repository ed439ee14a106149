"""Pairs that the hours of the day would betray (docs/release.md, rule P, *confined*).

Where all of a value's rows are in one hour, or none of them in any, or in one edition of an hour,
its pairs are parts of what was said of that hour, and could be taken from it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.release.pairs import CELL

_SLOTS: Final = ("hour", "edition")
_NOWHERE: Final = -1
"""In place of the slot, where no hour released a row."""
_EDITIONS: Final = 1 << 16


def spans() -> list[pl.Expr]:
    """Return the least and the most of each slot among the rows of a cell.

    Given hour (seconds) and edition (of the hour; 0 where no hour released the row).
    """
    edition = pl.col("edition").cast(pl.Int64)
    slots = (pl.col("hour"), pl.col("hour") * _EDITIONS + edition)
    told = [pl.when(edition > 0).then(slot).otherwise(_NOWHERE) for slot in slots]
    return [
        found
        for name, slot in zip(_SLOTS, told, strict=True)
        for found in (slot.min().alias(f"first_{name}"), slot.max().alias(f"last_{name}"))
    ]


def confined(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of which one value has rows in one slot only, ``(other)`` like any.

    ``cells``: window, value, across (codes, as the day shows them), and ``spans``. Where a window
    has one slot in all, its hour says what it says.
    """
    found = []
    for slot in _SLOTS:
        several = cells.filter(_differs(slot, "window"))
        found += [
            several.filter(~_differs(slot, "window", name)).select(CELL)
            for name in ("value", "across")
        ]
    return pl.concat(found).unique()


def _differs(slot: str, *by: str) -> pl.Expr:
    return pl.col(f"first_{slot}").min().over(by) != pl.col(f"last_{slot}").max().over(by)
