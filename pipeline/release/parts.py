"""Parts that three columns cut a window into: rows that have some of three values and not the rest.

A part is called by the columns of which its rows have the value, of ``v``, ``w`` and ``r``: ``vw``
are the rows with these two and without the third, and the part without a letter has none of them.
The frames here have a row for each choice of three values: ``window``, ``v``, ``w`` and ``r``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import combinations
from operator import add
from typing import Final

import polars as pl

SIDES: Final = "vwr"
_AT_ONCE: Final = 4_000_000
"""So many rows are looked at in one pass, or those of one choice of the values."""


def other(part: str) -> str:
    """Return the part that has what this one lacks."""
    return "".join(side for side in SIDES if side not in part)


def subsets(sides: str = SIDES) -> Iterator[str]:
    """Yield some of the columns, in every choice."""
    for size in range(len(sides) + 1):
        yield from map("".join, combinations(sides, size))


def visitors(sides: str) -> pl.Expr:
    """Return the column of visitors that have these values together, whatever else."""
    return pl.col(f"visitors {sides}")


def rows(sides: str) -> pl.Expr:
    """Return the column of rows that have these values together, whatever else."""
    return pl.col(f"rows {sides}")


def height(part: str) -> pl.Expr:
    """Return how many rows are in a part."""
    return _sum([(-1) ** len(more) * rows(joined(part, more)) for more in subsets(other(part))])


def at_least(part: str) -> pl.Expr:
    """Return how many visitors a part has at least: those who have no row that it lacks.

    What lies in some of several sets is no more than all of them less what pairs of them share, of
    pairs that make a tree (D. Hunter, *An upper bound for the probability of a union*, Journal of
    Applied Probability 13, 1976).
    """
    lacks = other(part)
    found = visitors(part) - _sum([visitors(joined(part, side)) for side in lacks])
    shared = [visitors(joined(part, "".join(two))) for two in combinations(lacks, 2)]
    return found + _sum(shared) - (pl.min_horizontal(shared) if len(shared) > 1 else 0)


def few(choices: pl.DataFrame, seen: pl.DataFrame, part: str, k: int) -> pl.DataFrame:
    """Return the choices of which less than ``k`` visitors have rows in the part.

    ``seen``: visitor, window, v, w and r, each once.
    """
    if part == SIDES:
        return choices.filter(visitors(part) < k)
    *others, last = sorted(other(part), key=lambda side: choices.get_column(side).n_unique())
    by = ["window", *part, *others]
    near = seen.join(choices, on=["window", *part], how="semi")
    asked = choices.select(by).unique()
    step = max(1, _AT_ONCE // max(1, near.height))
    counts = [
        _counted(near, asked.slice(at, step), part, others, last)
        for at in range(0, asked.height, step)
    ]
    if not counts:
        return choices
    every, single = (pl.concat(frames) for frames in zip(*counts, strict=True))
    found = choices.join(every, on=by, how="left").join(single, on=[*by, last], how="left")
    enough = pl.col("every").fill_null(0) - pl.col("single").fill_null(0) >= k
    return found.filter(~enough).select(choices.columns)


def _counted(
    seen: pl.DataFrame, asked: pl.DataFrame, part: str, others: Sequence[str], last: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return how many visitors have rows without ``others``, and with one value of ``last`` alone.

    What is left of the first without some value of the last is those less who has that alone.
    """
    by = ["window", *part, *others]
    had = {side: f"had {side}" for side in others}
    left = asked.join(seen.rename(had), on=["window", *part])
    for side, name in had.items():
        left = left.filter(pl.col(side) != pl.col(name))
    values = pl.col(last)
    mine = left.group_by(*by, "visitor").agg(values.min(), most=values.max())
    every = mine.group_by(by).agg(every=pl.len().cast(pl.Int64))
    alone = mine.filter(values == pl.col("most")).group_by(*by, last)
    return every, alone.agg(single=pl.len().cast(pl.Int64))


def joined(one: str, two: str) -> str:
    """Return the columns of both, in their order."""
    return "".join(side for side in SIDES if side in one + two)


def _sum(terms: Sequence[pl.Expr]) -> pl.Expr:
    return reduce(add, terms, pl.lit(0))
