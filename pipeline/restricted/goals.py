"""Page and segment → the goal of the site that is reached, by its name in the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipeline.restricted.distinct import Remembered, distinct
from pipeline.settings import Goal, Goals

NO_GOAL: Final = "(none)"
CACHE_LIMIT: Final = 50_000
"""Pages remembered, of a site and a segment each."""


class Reached:
    """Knows the goals of all sites that are pages; the first that a page reaches is its goal."""

    def __init__(self, goals: Goals, *, cache_limit: int = CACHE_LIMIT) -> None:
        """Goals that are events are left out: those are values of the field ``event``."""
        self._goals = {site: _by_segment(named) for site, named in goals.items()}
        self._remembered: Remembered[tuple[str, str, str], str] = Remembered(
            self._first, cache_limit
        )

    def forget(self) -> None:
        """Forget the pages remembered."""
        self._remembered.clear()

    def column(self, site: str, page: pl.Series, segment: pl.Series) -> pl.Series:
        """Return the goal of each row, given its scrubbed page and its segment."""
        found = pl.repeat(NO_GOAL, len(page), dtype=pl.String, eager=True).alias("goal")
        for within in self._goals.get(site, ()):
            rows = (segment == within).arg_true()
            if rows.is_empty():
                continue
            codes, pages = distinct(page.gather(rows))
            names = self._remembered.many([(site, within, each or "") for each in pages])
            found = found.scatter(rows, pl.Series(names, dtype=pl.String).gather(codes))
        return found

    def _first(self, key: tuple[str, str, str]) -> str:
        site, segment, page = key
        mine = self._goals[site][segment].items()
        return next((name for name, goal in mine if goal.reached_by(page)), NO_GOAL)


def _by_segment(named: Mapping[str, Goal]) -> dict[str, dict[str, Goal]]:
    """Return a site's goals that are pages by the segment they count in, in their order."""
    made: dict[str, dict[str, Goal]] = {}
    for name, goal in named.items():
        if goal.page:
            made.setdefault(goal.counted_in, {})[name] = goal
    return made
