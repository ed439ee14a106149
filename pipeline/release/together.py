"""Pairs that are looked at in one pass: to go through a table costs more than its cells do.

No rule of theirs sets one window against another, so tables stand one below the other, each with
windows of its own, and come out as they would by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.chunks import chunks
from pipeline.codes import Codes
from pipeline.release.pairs import Equal, Shown, shown
from pipeline.release.rules import Rules

_AT_ONCE: Final = 4_000_000
"""So many visitors of cells are looked at in one pass, or those of one table."""
_TURN: Final = {"value": "across", "across": "value"}


@dataclass(frozen=True, slots=True)
class Table:
    """A pair of two names: ``cells`` and ``barred`` as ``pairs.shown`` takes them."""

    cells: pl.DataFrame
    names: tuple[str, str]
    barred: pl.DataFrame | None = None
    equal: Equal | None = None


def shown_together(
    tables: Sequence[Table],
    k: int,
    rules: Rules,
    codes: Codes,
    *,
    equal: Equal | None = None,
    parts: Mapping[str, str] | None = None,
) -> Iterator[Shown]:
    """Yield what may be shown of each table."""
    for some in chunks(tables, _size, _AT_ONCE):
        cells, barred, step = _stacked(some, k)
        found = shown(cells, k, rules, codes, barred=barred, equal=equal, parts=parts)
        for at in range(len(some)):
            yield Shown(*(_unstacked(frame, at, step) for frame in (found.cells, found.parted)))


def shown_either_way(
    tables: Sequence[Table], k: int, rules: Rules, codes: Codes
) -> Iterator[Shown]:
    """Yield what may be shown where either of the two dimensions may be the one that is split.

    In each window the way that shows more, by the visitors of its cells: of pages the many small
    ones hide what the others do not show, of five kinds there may be none to hide anything.
    """
    turned = [
        Table(
            one.cells.rename(_TURN),
            one.names,
            None if one.barred is None else one.barred.rename(_TURN),
        )
        for one in tables
    ]
    found = list(shown_together([*tables, *turned], k, rules, codes))
    for one, two in zip(found[: len(tables)], found[len(tables) :], strict=True):
        yield _larger(one, two)


def _larger(one: Shown, two: Shown) -> Shown:
    ways = [one.cells, two.cells.rename(_TURN).select(one.cells.columns)]
    sums = [way.group_by("window").agg(sum=pl.col("visitors").sum()) for way in ways]
    both = sums[0].join(sums[1], on="window", how="full", coalesce=True, suffix="_two")
    first = both.filter(pl.col("sum").fill_null(0) >= pl.col("sum_two").fill_null(0))
    told = pl.concat([
        ways[0].join(first, on="window", how="semi"), ways[1].join(first, on="window", how="anti")
    ])  # fmt: skip
    return Shown(told, one.parted)


def _size(table: Table) -> int:
    return int(table.cells["who"].list.len().sum())


def _stacked(tables: Sequence[Table], k: int) -> tuple[pl.DataFrame, pl.DataFrame | None, int]:
    """Return cells and barred ones of all tables, and how far their windows are apart."""
    most = [table.cells["window"].max() for table in tables]
    step = 1 + max(one for one in most if isinstance(one, int)) if any(most) else 1
    cells, barred = [], []
    for at, table in enumerate(tables):
        apart = (pl.col("window") + at * step).alias("window")
        whole = pl.col("whole") if "whole" in table.cells.columns else pl.lit(value=False)
        least = (pl.col("least") if "least" in table.cells.columns else pl.lit(k)).cast(pl.UInt32)
        cells.append(table.cells.select(apart, "value", "across", "who", whole=whole, least=least))
        if table.barred is not None:
            barred.append(table.barred.select(apart, "value", "across"))
    return pl.concat(cells), pl.concat(barred) if barred else None, step


def _unstacked(frame: pl.DataFrame, at: int, step: int) -> pl.DataFrame:
    mine = frame.filter(pl.col("window") // step == at)
    return mine.with_columns(pl.col("window") % step)
