"""Which rules hold.

Everything here is constant. The switches of ``Rules`` exist for the tests alone, which turn one
off and see the attacker find the hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.events import DIMENSIONS

BITS: Final[dict[str, int]] = {name: 1 << place for place, name in enumerate(DIMENSIONS)}
"""Dimension → its bit in a row's label: set where the row is counted under its own value."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Each rule of docs/release.md that a test may switch off; production never does.

    The last two are choices of what is told, safe either way: ``partywall bench-loss`` sets them
    against each other.
    """

    pull: bool = True
    growth: bool = True
    split: bool = True
    alone: bool = True
    late: bool = True
    nesting: bool = True
    levels: bool = True
    shared: bool = True
    combined: bool = True
    equal: bool = True
    rests: bool = True
    pools: bool = True
    confined: bool = True
    leaves: bool = True
    moves: bool = True
    paths: bool = True
    triangles: bool = True
    apart: bool = True
    reserve: bool = True
    paces: bool = True
    either_way: bool = True
    parts: bool = True

    def parent(self, dimension: str) -> str | None:
        """Return what ``dimension`` nests in, or None."""
        return DIMENSIONS[dimension] if self.nesting else None


def too_few(visitors: pl.Expr, k: int) -> pl.Expr:
    """Return whether a set stands for somebody, but for fewer than k visitors."""
    return (visitors > 0) & (visitors < k)
