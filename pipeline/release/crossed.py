"""Two things at a time, of a day as it closed: the rows of ``pair_daily``.

A value stands in a pair as its own table shows it: under its name, or in ``(other)``. Late rows of
a closed day change no pair, so pairs have one revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import DIMENSIONS, GOAL, SEGMENT, VIEW
from pipeline.release import leaves, visits
from pipeline.release.confined import confined, spans
from pipeline.release.crossings import ROLE, Crossings
from pipeline.release.pairs import CELL, PLACE, crossed_by, joined, with_empty
from pipeline.release.rules import Rules
from pipeline.release.sums import Sums
from pipeline.release.telling import Telling
from pipeline.release.together import Table
from pipeline.release.triangles import triangles
from pipeline.release.walks import Walks
from pipeline.rows import PAIRS


class Crossed:
    """Makes the pairs of closing days; of views always also what visits were in all."""

    def __init__(
        self, crossings: Crossings, k: int, floor: int, rules: Rules, codes: Codes
    ) -> None:
        """``floor`` is that of places."""
        self._crossings: Final = crossings
        self._tell: Final = Telling(k, floor, rules, codes)
        self._walks: Final = Walks(crossings.get(VIEW, {}), self._tell)

    def made(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of ``pair_daily`` and ``revision``.

        ``rows``: those that a day's first edition publishes, with window, site, window_start,
        segment and the dimensions (codes), visitor, hour, second, hits, edition (of the hour) and
        day_label.
        """
        parts = [pl.DataFrame(schema={**PAIRS, "revision": pl.UInt64()})]
        segments = rows.select(code=pl.col(SEGMENT).unique())
        names = segments.with_columns(name=self._tell.codes.decode(pl.col("code")))
        for code, name in names.iter_rows():
            mine = rows.filter(pl.col(SEGMENT) == code)
            if name == VIEW:
                mine = self._walks.views(mine)
                parts += self._walks.told(mine)
            parts += self._of_dimensions(self._crossings.get(name, {}), mine)
        keys = [*PLACE, "dimension", "value", "across", "across_value"]
        return pl.concat(parts).sort(keys)

    def _of_dimensions(self, crossed: leaves.Crossed, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Return the cells of each pair of two dimensions."""
        found: list[pl.DataFrame] = []
        marked: dict[tuple[str, str] | None, pl.DataFrame] = {}
        pairs = leaves.ordered(crossed)
        if not pairs:
            return found
        # Of no more than a role it is told how long visits lasted.
        rows = rows.with_columns(seconds=pl.lit(0, pl.UInt64))
        reached = rows
        if any(GOAL in pair.names for pair in pairs):
            reached = rows.filter(self._tell.value(GOAL).n_unique().over("window") > 1)
        # Where no goal is reached, its pairs are the other's own table.
        parts = {pair: reached if GOAL in pair.names else rows for pair in pairs}
        sums = {True: Sums(reached, self._code), False: Sums(rows, self._code)}
        pending = [pair for pair in pairs if not parts[pair].is_empty()]
        while pending:
            later = {pair.names for pair in pending}
            now = [pair for pair in pending if pair.over not in later]
            tables = [
                self._table(crossed, pair, parts[pair], sums, marked.get(pair.over)) for pair in now
            ]
            for pair, told in zip(now, self._tell.marked(tables), strict=True):
                marked[pair.names] = told
                found.append(self._tell.counted(told, *pair.names))
            pending = [pair for pair in pending if pair not in now]
        return found

    def _table(
        self,
        crossed: leaves.Crossed,
        pair: leaves.Pair,
        rows: pl.DataFrame,
        sums: Mapping[bool, Sums],
        told: pl.DataFrame | None,
    ) -> Table:
        """Return the cells of a pair; ``told``: how the pair that it is within is told."""
        if not self._tell.rules.leaves or self._tell.k == 1:
            told = None
        over = [] if told is None else [self._tell.value(pair.parent).alias("over")]
        value, to = map(self._tell.value, pair.names)
        cells = crossed_by(rows, value, to, *over, more=spans())
        barred = self._barred(crossed, pair.names, cells, sums)
        cells = with_empty(cells, barred)
        if told is not None:
            cells, barred = leaves.within(cells, barred, pair, told, self._tell.codes.other)
            cells = joined(cells)
        return Table(cells, pair.names, barred)

    def _barred(
        self,
        crossed: leaves.Crossed,
        names: tuple[str, str],
        cells: pl.DataFrame,
        sums: Mapping[bool, Sums],
    ) -> pl.DataFrame:
        """Return the cells that the day's hours or other pairs would betray.

        ``sums`` are those of all rows, and (true) of windows in which a goal is reached.
        """
        barred = [pl.DataFrame(schema=dict.fromkeys(CELL, pl.UInt32))]
        if self._tell.rules.confined and self._tell.k > 1:
            barred.append(confined(cells))
        if self._tell.rules.triangles and self._tell.k > 1:
            for third in self._thirds(crossed, names):
                of_roles = third == ROLE or third in visits.SPLITS
                told = ROLE if of_roles else third
                value, across = over = tuple(leaves.through(crossed, n, told) for n in names)
                mine = sums[GOAL in {*over, third}]
                by_leaves = leaves.by_leaves(crossed, {"v": value, "w": across, "r": told})
                # Of three dimensions, each pair is asked for its own; roles are hidden by nobody.
                some = triangles(
                    mine, value, across, third, self._tell.k, by_leaves, empty=of_roles
                )
                barred.append(mine.within(some, over, names, empty=of_roles))
        return pl.concat(barred).unique()

    def _thirds(self, crossed: leaves.Crossed, names: tuple[str, str]) -> Iterator[str]:
        """Yield what two dimensions are both crossed with."""
        shared = leaves.thirds(crossed, names, (*DIMENSIONS, ROLE))
        yield from shared
        if ROLE in shared:
            yield from visits.SPLITS

    def _code(self, name: str) -> pl.Expr:
        """Return the code under which a row is told, by a dimension, a role or a part of one."""
        if name == ROLE:
            return pl.col(ROLE)
        if name in visits.SPLITS:
            put = pl.col(ROLE)
            code = self._tell.codes.code
            for role, part in visits.SPLITS[name].items():
                put = pl.when(pl.col(ROLE) == code(role)).then(code(part)).otherwise(put)
            return put
        return self._tell.value(name)
