"""How a pair of columns is told: which of its cells by name, and what is left of each value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import FLOORED, SEGMENT
from pipeline.release import visits
from pipeline.release.crossings import ROLE
from pipeline.release.floors import names_place
from pipeline.release.pairs import CELL, PLACE, SUMS, Equal, Shown
from pipeline.release.rules import BITS, Rules
from pipeline.release.together import Table, shown_either_way, shown_together
from pipeline.rows import OTHER, PAIRS

UNNAMED: Final = (OTHER, visits.BEGAN, visits.WENT_ON)
"""Across values under which is told what is left of a value."""
_VALUE: Final = ["window", "value"]
NEVER: Final = 2**32 - 1
"""So many visitors are in no cell: what needs them is not told."""


class Telling:
    """Tells pairs under a k, a floor for places, rules and codes."""

    def __init__(self, k: int, floor: int, rules: Rules, codes: Codes) -> None:
        self.k: Final = k
        self._floor: Final = floor
        self.rules: Final = rules
        self.codes: Final = codes

    def value(self, dimension: str) -> pl.Expr:
        """Return the code under which the day shows a row."""
        own = pl.when(pl.col("day_label") & BITS[dimension] != 0).then(pl.col(dimension))
        return own.otherwise(pl.lit(self.codes.other, pl.UInt32))

    def marked(self, tables: Sequence[Table]) -> list[pl.DataFrame]:
        """Return the cells of each table with ``across_value``, under which they are told."""
        ways: dict[tuple[bool, Equal | None, bool], list[int]] = defaultdict(list)
        for at, table in enumerate(tables):
            across = table.names[1]
            either = across in BITS and self.rules.either_way
            parted = across == ROLE and table.equal is None and self.rules.parts
            ways[either, table.equal, parted].append(at)
        found: dict[int, pl.DataFrame] = {}
        given = self.k, self.rules, self.codes
        for (either, equal, parted), places in ways.items():
            some = [self._with_floor(tables[at]) for at in places]
            parts = visits.PARTS if parted else None
            if either:
                told = shown_either_way(some, *given)
            else:
                told = shown_together(some, *given, equal=equal, parts=parts)
            for at, one in zip(places, told, strict=True):
                found[at] = self._marked(tables[at].cells, one, parts)
        return [found[at] for at in range(len(tables))]

    def _with_floor(self, table: Table) -> Table:
        """Return the table with the visitors that each cell needs, where any has a floor."""
        columns = zip(table.names, ("value", "across"), strict=True)
        floored = [column for name, column in columns if name in FLOORED]
        if self._floor <= self.k or not floored:
            return table
        needs = pl.any_horizontal(names_place(pl.col(one), self.codes) for one in floored)
        before = pl.col("least") if "least" in table.cells.columns else pl.lit(self.k)
        least = pl.when(needs).then(pl.max_horizontal(before, self._floor)).otherwise(before)
        return replace(table, cells=table.cells.with_columns(least=least))

    def _marked(
        self, cells: pl.DataFrame, told: Shown, parts: Mapping[str, str] | None
    ) -> pl.DataFrame:
        own = told.cells.select(*CELL, own=pl.lit(value=True))
        marked = (
            cells.join(own, on=CELL, how="left")
            .join(told.parted.with_columns(parted=pl.lit(value=True)), on=_VALUE, how="left")
            .with_columns(to=self.codes.decode(pl.col("across")))
        )
        named = pl.col("own").is_not_null() & ~pl.col("to").is_in(UNNAMED)
        rest = pl.lit(OTHER)
        if parts is not None:
            part = pl.col("to").replace_strict(parts, default=OTHER)
            rest = pl.when(pl.col("parted").is_not_null()).then(part).otherwise(rest)
        return marked.with_columns(
            across_value=pl.when(named).then("to").otherwise(rest),
            # How long visits lasted is told of all rows of a cell, or of none.
            seconds=pl.when(named).then("seconds").otherwise(0).cast(pl.UInt64),
        )

    def counted(self, marked: pl.DataFrame, dimension: str, across: str) -> pl.DataFrame:
        """Return the cells that may be shown, and in ``(other)`` the rest of each value."""
        cells = marked.group_by(*PLACE, "value", "across_value").agg(
            SUMS, visitors=pl.col("who").explode(empty_as_null=False).n_unique()
        )
        told = cells.with_columns(self.codes.decode(pl.col("site", SEGMENT, "value")))
        return self.finish(told, dimension, across)

    @staticmethod
    def finish(cells: pl.DataFrame, dimension: str, across: str) -> pl.DataFrame:
        """Return cells as rows of ``pair_daily`` and ``revision``."""
        named = cells.with_columns(
            dimension=pl.lit(dimension), across=pl.lit(across), revision=pl.lit(1, pl.UInt64)
        )
        schema = {**PAIRS, "revision": pl.UInt64()}
        return named.select(pl.col(name).cast(kind) for name, kind in schema.items())
