"""Pairs of leaves: of a dimension within another, both of which are crossed with a third.

See docs/release.md, rule P, *leaves*.
What a parent value has of an across value is public, so what one leaf hides of it must be hidden by
others of the same parent value. A table of each parent value sees to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import polars as pl

from pipeline.errors import SettingsError
from pipeline.events import DIMENSIONS
from pipeline.release.sets import dense, pack
from pipeline.rows import OTHER

Crossed = Mapping[str, Sequence[str]]
"""Dimension → what it is crossed with, of one segment."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two dimensions that are crossed; ``over``: the same with the parent of the first."""

    names: tuple[str, str]
    over: tuple[str, str] | None = None

    @property
    def parent(self) -> str:
        """What the first is within; only where there is an ``over``."""
        return str(DIMENSIONS[self.names[0]])


def ordered(crossed: Crossed) -> list[Pair]:
    """Return the pairs of two dimensions, each behind the one that it is within.

    Raises SettingsError where the leaf is not the first of its pair, or both are leaves.
    """
    named = {
        _pair(one, two): (one, two)
        for one, found in crossed.items()
        for two in found
        if two in DIMENSIONS
    }
    found = []
    for one, two in named.values():
        parents = DIMENSIONS[one], DIMENSIONS[two]
        over = named.get(_pair(parents[0], two))
        other = named.get(_pair(one, parents[1]))
        both = named.get(_pair(*parents)) if None not in parents else None
        if other and not over and not both:
            raise SettingsError(
                f"policy: crossings: {one} x {two} beside {' x '.join(other)}: write it under "
                f"{two}, which is within {parents[1]}"
            )
        if other or both:
            raise SettingsError(
                f"policy: crossings: {one} x {two} cannot be protected beside "
                f"{' x '.join(other or both or ())}: leave one of them out"
            )
        found.append(Pair((one, two), over))
    return sorted(found, key=lambda pair: sum(DIMENSIONS[n] is not None for n in pair.names))


def thirds(crossed: Crossed, names: tuple[str, str], others: Sequence[str]) -> list[str]:
    """Return which of ``others`` both are crossed with.

    A parent stands for its leaves, and they for it: the pairs of all leaves add up to the parent's.
    """
    pairs = _pairs(crossed)
    return [
        other
        for other in others
        if all(any(_pair(near, other) in pairs for near in _near(name)) for name in names)
    ]


def through(crossed: Crossed, name: str, third: str) -> str:
    """Return by what ``name`` is told together with ``third``: by itself, or what it is within.

    By itself also where only leaves of it are crossed with the third.
    """
    pairs, parent = _pairs(crossed), DIMENSIONS.get(name)
    if parent is None or any(_pair(one, third) in pairs for one in (name, *_leaves(name))):
        return name
    return parent


def by_leaves(crossed: Crossed, sides: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the pairs of ``sides`` (side → name) that are told by leaves of the first alone."""
    pairs = _pairs(crossed)
    return [
        (x, y)
        for x, y in permutations(sides, 2)
        if _pair(sides[x], sides[y]) not in pairs
        and any(_pair(leaf, sides[y]) in pairs for leaf in _leaves(sides[x]))
    ]


def within(
    cells: pl.DataFrame, barred: pl.DataFrame, pair: Pair, told: pl.DataFrame, other: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return cells and those that are barred as tables of their own, one of each parent value.

    ``cells``: window, value, across and over (codes; over is the parent's value), and more; in the
    result one may stand several times. ``told``: how the parent's pair is told, with window, value,
    across (codes) and across_value; what it does not show is ``(other)`` here. A window in which
    the parent has one value stays as it is.
    """
    cells = cells.with_columns(whole=scattered(other))
    turned = pair.over != (pair.parent, pair.names[1])
    over, across = ("across", "value") if turned else ("value", "across")
    kept = told.filter(pl.col("across_value") != OTHER).select(
        "window",
        pl.col(over).alias("over"),
        pl.col(across).alias("across"),
        kept=pl.lit(value=True),
    )
    hidden = barred.with_columns(barred=pl.lit(value=True))
    flat = pl.col("over").n_unique().over("window") == 1
    shown = pl.when(pl.col("kept").is_not_null() | flat).then("across")
    marked = (
        cells.join(hidden, on=["window", "value", "across"], how="left")
        .join(kept.unique(), on=["window", "over", "across"], how="left")
        .with_columns(
            across=shown.otherwise(pl.lit(other, pl.UInt32)), window=dense(pack("window", "over"))
        )
    )
    found = marked.filter(pl.col("barred").is_not_null()).select("window", "value", "across")
    return marked.drop("kept", "barred", "over"), found.unique()


def scattered(other: int) -> pl.Expr:
    """Return whether a value is in several tables of its window, given ``over``.

    What is told of it in one of them would be taken for all of it, and for none in the others,
    where nobody could then hide behind it. What is ``(other)`` may be in any of them.
    """
    values = pl.col("over").n_unique()
    anywhere = (pl.col("value") == other) & (values.over("window") > 1)
    return anywhere | (values.over("window", "value") > 1)


def _pair(one: str | None, two: str | None) -> frozenset[str]:
    return frozenset(map(str, (one, two)))


def _pairs(crossed: Crossed) -> set[frozenset[str]]:
    return {_pair(one, two) for one, found in crossed.items() for two in found}


def _leaves(name: str) -> list[str]:
    return [leaf for leaf, parent in DIMENSIONS.items() if parent == name]


def _near(name: str) -> list[str]:
    return [name, *_leaves(name), *filter(None, [DIMENSIONS[name]])]
