"""Page and segment → the goal of the site that is reached, by its name in the settings."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.distinct import Remembered, distinct
from pipeline.settings import Goals

NO_GOAL: Final = "(none)"
CACHE_LIMIT: Final = 50_000
"""Pages remembered, of a site and a segment each."""


class Reached:
    """Knows the goals of all sites that are pages; the first that a page reaches is its goal."""

    def __init__(self, goals: Goals, *, cache_limit: int = CACHE_LIMIT) -> None:
        """Goals that are events are left out: those are values of the field ``event``."""
        self._goals = {
            site: {name: goal for name, goal in named.items() if goal.page}
            for site, named in goals.items()
        }
        self._remembered: Remembered[tuple[str, str, str], str] = Remembered(
            self._first, cache_limit
        )

    def forget(self) -> None:
        """Forget the pages remembered."""
        self._remembered.clear()

    def column(self, site: str, page: pl.Series, segment: pl.Series) -> pl.Series:
        """Return the goal of each row, given its scrubbed page and its segment."""
        found = pl.repeat(NO_GOAL, len(page), dtype=pl.String, eager=True).alias("goal")
        for within in sorted({goal.counted_in for goal in self._goals.get(site, {}).values()}):
            rows = (segment == within).arg_true()
            if rows.is_empty():
                continue
            codes, pages = distinct(page.gather(rows))
            names = self._remembered.many([(site, within, each or "") for each in pages])
            found = found.scatter(rows, pl.Series(names, dtype=pl.String).gather(codes))
        return found

    def _first(self, key: tuple[str, str, str]) -> str:
        site, segment, page = key
        mine = (
            name
            for name, goal in self._goals[site].items()
            if goal.counted_in == segment and goal.reached_by(page)
        )
        return next(mine, NO_GOAL)
