"""How long answers took, in classes: the only way in which a response time is told.

The edges are those that Prometheus' clients begin with (``DefBuckets`` of client_golang). They
never change, so that histograms of any hours, days and sites add up. Names sort as the times do.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import polars as pl

EDGES: Final = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
"""Milliseconds at which a class ends and the next one, which holds them, begins."""
OPEN: Final = "from 10 s"
"""The class without an end."""
NONE: Final = "(none)"
"""The value where a line does not say."""


def _spans() -> tuple[str, ...]:
    edges = [f"{edge / 1_000:g}" for edge in (0, *EDGES)]
    return tuple(f"{low}-{high} s" for low, high in pairwise(edges))


CLASSES: Final = (*_spans(), OPEN)
"""Names of the classes, the shortest times first: ``0-0.005 s``, ``0.005-0.01 s``, …"""
ENDS: Final[dict[str, tuple[int, int | None]]] = dict(
    zip(CLASSES, zip((0, *EDGES), (*EDGES, None), strict=True), strict=True)
)
"""Class → milliseconds at which it begins and ends; the open one has no end."""


def range_of(low: int, high: int) -> str:
    """Return the name of the range from one class to another, by their places."""
    begin, end = ENDS[CLASSES[low]][0], ENDS[CLASSES[high]][1]
    return f"from {begin / 1_000:g} s" if end is None else f"{begin / 1_000:g}-{end / 1_000:g} s"


RANGES: Final[dict[str, tuple[int, int | None]]] = {
    range_of(low, high): (ENDS[CLASSES[low]][0], ENDS[CLASSES[high]][1])
    for low in range(len(CLASSES))
    for high in range(low, len(CLASSES))
}
"""Range of neighbouring classes → milliseconds at which it begins and ends; each class is one."""


def class_of(micros: pl.Series) -> pl.Series:
    """Return the class of each response time (Int64, microseconds), NONE of null."""
    if micros.null_count() == len(micros):
        return pl.repeat(NONE, len(micros), dtype=pl.String, eager=True).alias("response_time")
    edges = pl.Series([edge * 1_000 for edge in EDGES], dtype=pl.Int64)
    places = edges.search_sorted(micros.fill_null(0), side="right")
    found = pl.Series(CLASSES).gather(places)
    return found.set(micros.is_null(), NONE).alias("response_time")
