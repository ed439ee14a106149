"""A part of an answer: one scan of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.analytics.scales import RESPONSE_TIMES, Scale

NOTHING_FOLDS: Final = "0"
Columns = tuple[tuple[str, str], ...]
"""Metric and the column that it sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Cells of one table that are added up together.

    ``where`` holds conditions that say which breakdown it is, ``chosen`` those that pick values in
    it; ``keys`` are SQL by dimension, of what is grouped by besides time. ``folded`` tells which
    cells are ``(other)``. ``hourly``: the table has a twin of hours. ``roles``: the cells are told
    apart by the role that a page view has in its visit. ``classes``: the column that has the class
    on ``scale``, "" where the cells are of none.
    """

    name: str
    table: str
    columns: Columns
    where: tuple[str, ...]
    chosen: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    folded: str = NOTHING_FOLDS
    hourly: bool = False
    roles: bool = False
    classes: str = ""
    scale: Scale = RESPONSE_TIMES

    def has(self, metric: str) -> bool:
        """Tell whether it counts ``metric``."""
        return any(name == metric for name, _ in self.columns)
