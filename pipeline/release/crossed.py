"""Two things at a time, of a day as it closed: the rows of ``pair_daily``.

A value stands in a pair as its own table shows it: under its name, or in ``(other)``. Late rows of
a closed day change no pair, so pairs have one revision.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import DIMENSIONS, FLOORED, GOAL, SEGMENT, VIEW
from pipeline.release import leaves, visits
from pipeline.release.confined import confined, spans
from pipeline.release.crossings import NEXT, ROLE, Crossings
from pipeline.release.floors import names_place
from pipeline.release.pairs import (
    CELL,
    PLACE,
    SUMS,
    Equal,
    crossed_by,
    folded,
    joined,
    shown,
    shown_either_way,
)
from pipeline.release.rules import BITS, Rules
from pipeline.release.sets import dense, distinct, pack
from pipeline.release.triangles import triangles
from pipeline.rows import OTHER, PAIRS

LENGTH: Final = "visit_length"

_OF_A_PERSON: Final = frozenset({"browser", "system", "device", "country", "place", "provider"})
"""What does not change during a visit: of such a value as many visits end as begin."""
_EQUAL: Final = (visits.ENTRY, visits.EXIT)
_UNNAMED: Final = (OTHER, visits.BEGAN, visits.WENT_ON)
_VALUE: Final = ["window", "value"]


class Crossed:
    """Makes the pairs of closing days; of views always also what visits were in all."""

    def __init__(
        self, crossings: Crossings, k: int, floor: int, rules: Rules, codes: Codes
    ) -> None:
        """``floor`` is that of places."""
        self._crossings: Final = crossings
        self._k: Final = k
        self._floor: Final = floor
        self._rules: Final = rules
        self._codes: Final = codes

    def made(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of ``pair_daily`` and ``revision``.

        ``rows``: those that a day's first edition publishes, with window, site, window_start,
        segment and the dimensions (codes), visitor, hour, second, hits, edition (of the hour) and
        day_label.
        """
        parts = [pl.DataFrame(schema={**PAIRS, "revision": pl.UInt64()})]
        segments = rows.select(code=pl.col(SEGMENT).unique())
        names = segments.with_columns(name=self._codes.decode(pl.col("code")))
        for code, name in names.iter_rows():
            mine = rows.filter(pl.col(SEGMENT) == code)
            if name == VIEW:
                mine = self._views(mine)
                parts += self._of_visits(mine)
            parts += self._of_dimensions(self._crossings.get(name, {}), mine)
        keys = [*PLACE, "dimension", "value", "across", "across_value"]
        return pl.concat(parts).sort(keys)

    def _views(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return a row per view, with its role as all tables tell it."""
        crossed = self._crossings.get(VIEW, {})
        names = {"page", "campaign", GOAL, *crossed, *chain(*crossed.values())}
        needed = rows.select(
            *PLACE, "window", "visitor", "hour", "second", "hits", "edition", "day_label",
            *(name for name in DIMENSIONS if name in names), told_page=self._value("page"),
        )  # fmt: skip
        views = visits.views(needed, self._codes)
        return views.with_columns(role=folded(views, ROLE, self._k, self._codes, self._equal()))

    def _of_visits(self, views: pl.DataFrame) -> list[pl.DataFrame]:
        """Return what views were to their visits, in all and by the dimensions."""
        found = [self._in_all(views, ROLE)]
        entries = views.filter(self._codes.decode(pl.col(ROLE)) == visits.ENTRY)
        if not entries.is_empty():
            lengths = entries.with_columns(folded(entries, LENGTH, self._k, self._codes))
            found.append(self._in_all(lengths, LENGTH))
        crossed = self._crossings.get(VIEW, {})
        marked: dict[str, pl.DataFrame] = {}
        # Parents are declared before what is within them.
        for dimension in (name for name in DIMENSIONS if ROLE in crossed.get(name, ())):
            parent = DIMENSIONS[dimension] if self._rules.leaves else None
            if parent in marked:
                cells = self._within(views, dimension, parent, marked[parent])
            else:
                cells = crossed_by(views, self._value(dimension), pl.col(ROLE))
            equal = self._equal() if dimension in _OF_A_PERSON else None
            marked[dimension] = self._marked(cells, (dimension, ROLE), equal=equal)
            found.append(self._counted(marked[dimension], dimension, ROLE))
        if NEXT in crossed.get("page", ()):
            by_role = marked.get("page")
            if by_role is None:
                cells = crossed_by(views, self._value("page"), pl.col(ROLE))
                by_role = self._marked(cells, ("page", ROLE))
            found.append(self._moves(views, by_role))
        return found

    def _within(
        self, views: pl.DataFrame, dimension: str, parent: str, marked: pl.DataFrame
    ) -> pl.DataFrame:
        """Return cells as tables of their own, one of each value of ``parent``.

        Their across values are those that the parent's own table (``marked``) tells of it, so what
        a value hides is hidden by others of the same parent value.
        """
        cells = crossed_by(
            views, self._value(dimension), pl.col(ROLE), self._value(parent).alias("over")
        )
        cells = cells.with_columns(whole=leaves.scattered(self._codes.other))
        told = marked.select("window", "across", "across_value", over="value")
        placed = cells.join(told, on=["window", "over", "across"]).with_columns(
            window=dense(pack("window", "over")), across=self._codes.encode(pl.col("across_value"))
        )
        return joined(placed)

    def _equal(self) -> Equal | None:
        return _EQUAL if self._rules.equal and self._k > 1 else None

    def _in_all(self, views: pl.DataFrame, name: str) -> pl.DataFrame:
        """Return the views of each window by a column whose values are safe."""
        cells = views.group_by("window", name).agg(
            pl.col(PLACE).first(), SUMS, distinct().alias("visitors")
        )
        told = pl.when(pl.col(name) != self._codes.other).then("seconds").otherwise(0)
        return self._finish(
            cells.with_columns(
                told.cast(pl.UInt64).alias("seconds"),
                self._codes.decode(pl.col("site", SEGMENT)),
                across_value=self._codes.decode(pl.col(name)),
                value=pl.lit(VIEW),
            ),
            SEGMENT,
            name,
        )

    def _moves(self, views: pl.DataFrame, by_role: pl.DataFrame) -> pl.DataFrame:
        """Return which page followed which; ``by_role`` is how pages are told by role.

        A page's moves are a part of its views: what is left of them would say of some roles what
        is hidden. So they are told of pages of which every role is shown, and all others are one.
        """
        moves = views.filter(pl.col(NEXT).is_not_null()).with_columns(
            value="told_page", to=NEXT, seconds=pl.lit(0, pl.UInt64)
        )
        for name in ("value", "to"):
            if self._rules.moves and self._k > 1:
                moves = moves.with_columns(self._complete(moves, name, by_role))
            moves = moves.with_columns(folded(moves, name, self._k, self._codes))
        own = [pl.col(name) != self._codes.other for name in ("value", "across")]
        cells = crossed_by(moves, pl.col("value"), pl.col("to"))
        names = "page", NEXT
        return self._counted(self._marked(cells, names, told=pl.all_horizontal(own)), *names)

    def _complete(self, moves: pl.DataFrame, name: str, by_role: pl.DataFrame) -> pl.Series:
        """Return the codes of a column of pages, ``(other)`` where a role of the page is hidden."""
        hidden = by_role.filter(pl.col("across_value").is_in(_UNNAMED))
        keys = hidden.select(
            "window", pl.col("value").alias(name), hidden=pl.lit(value=True)
        ).unique()
        marked = moves.select("window", name).join(
            keys, on=["window", name], how="left", maintain_order="left"
        )
        kept = pl.when(pl.col("hidden").is_null()).then(pl.col(name))
        return marked.select(
            kept.otherwise(pl.lit(self._codes.other, pl.UInt32)).alias(name)
        ).to_series()

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
            reached = rows.filter(self._value(GOAL).n_unique().over("window") > 1)
        for pair in pairs:
            # Where no goal is reached, its pairs are the other's own table.
            part = reached if GOAL in pair.names else rows
            if part.is_empty():
                continue
            told = marked.get(pair.over) if self._rules.leaves and self._k > 1 else None
            over = [] if told is None else [self._value(pair.parent).alias("over")]
            value, to = map(self._value, pair.names)
            cells = crossed_by(part, value, to, *over, more=spans())
            barred = self._barred(crossed, pair.names, part, cells, reached)
            if told is not None:
                cells, barred = leaves.within(cells, barred, pair, told, self._codes.other)
                cells = joined(cells)
            marked[pair.names] = self._marked(cells, pair.names, barred=barred)
            found.append(self._counted(marked[pair.names], *pair.names))
        return found

    def _barred(
        self,
        crossed: leaves.Crossed,
        names: tuple[str, str],
        part: pl.DataFrame,
        cells: pl.DataFrame,
        reached: pl.DataFrame,
    ) -> pl.DataFrame:
        """Return the cells that the day's hours or other pairs would betray."""
        barred = [pl.DataFrame(schema=dict.fromkeys(CELL, pl.UInt32))]
        if self._rules.confined and self._k > 1:
            barred.append(confined(cells))
        if self._rules.triangles and self._k > 1:
            value, across = map(self._value, names)
            for name, third in self._thirds(crossed, names):
                rows = reached if name == GOAL else part
                sides = rows.select("window", "visitor", value=value, across=across, third=third)
                barred.append(triangles(sides, self._k))
        return pl.concat(barred).unique()

    def _thirds(
        self, crossed: leaves.Crossed, names: tuple[str, str]
    ) -> Iterator[tuple[str, pl.Expr]]:
        """Yield what two dimensions are both crossed with, and its codes."""
        shared = leaves.thirds(crossed, names, (*DIMENSIONS, ROLE))
        for name in shared:
            yield name, pl.col(ROLE) if name == ROLE else self._value(name)
        if ROLE in shared:
            began = self._codes.decode(pl.col(ROLE)).replace(visits.PARTS)
            yield ROLE, self._codes.encode(began)

    def _marked(
        self,
        cells: pl.DataFrame,
        names: tuple[str, str],
        *,
        told: pl.Expr | None = None,
        barred: pl.DataFrame | None = None,
        equal: Equal | None = None,
    ) -> pl.DataFrame:
        """Return the cells with ``across_value``, under which they are told.

        With ``told`` nothing but the cells for which it holds.
        """
        across = names[1]
        told_apart = across == ROLE and equal is None and self._rules.parts
        parts = visits.PARTS if told_apart else None
        cells = self._with_floor(cells, names)
        given = cells, self._k, self._rules, self._codes
        if across in BITS and self._rules.either_way:
            told_of = shown_either_way(*given, barred=barred)
        else:
            told_of = shown(*given, barred=barred, equal=equal, parts=parts)
        own = told_of.cells.select(*CELL, own=pl.lit(value=True))
        marked = (
            cells.join(own, on=CELL, how="left")
            .join(told_of.parted.with_columns(parted=pl.lit(value=True)), on=_VALUE, how="left")
            .with_columns(to=self._codes.decode(pl.col("across")))
        )
        if told is not None:
            marked = marked.filter(pl.col("own").is_not_null() & told)
        named = pl.col("own").is_not_null() & ~pl.col("to").is_in(_UNNAMED)
        rest = pl.lit(OTHER)
        if parts is not None:
            part = pl.col("to").replace_strict(parts, default=OTHER)
            rest = pl.when(pl.col("parted").is_not_null()).then(part).otherwise(rest)
        return marked.with_columns(
            across_value=pl.when(named).then("to").otherwise(rest),
            # How long visits lasted is told of all rows of a cell, or of none.
            seconds=pl.when(named).then("seconds").otherwise(0).cast(pl.UInt64),
        )

    def _with_floor(self, cells: pl.DataFrame, names: tuple[str, str]) -> pl.DataFrame:
        """Return cells with the visitors that each needs as ``least``, where any has a floor."""
        columns = zip(names, ("value", "across"), strict=True)
        floored = [column for name, column in columns if name in FLOORED]
        if self._floor <= self._k or not floored:
            return cells
        needs = pl.any_horizontal(names_place(pl.col(one), self._codes) for one in floored)
        return cells.with_columns(least=pl.when(needs).then(self._floor).otherwise(self._k))

    def _counted(self, marked: pl.DataFrame, dimension: str, across: str) -> pl.DataFrame:
        """Return the cells that may be shown, and in ``(other)`` the rest of each value."""
        cells = marked.group_by(*PLACE, "value", "across_value").agg(
            SUMS, visitors=pl.col("who").explode().n_unique()
        )
        told = cells.with_columns(self._codes.decode(pl.col("site", SEGMENT, "value")))
        return self._finish(told, dimension, across)

    def _value(self, dimension: str) -> pl.Expr:
        """Return the code under which the day shows a row."""
        own = pl.when(pl.col("day_label") & BITS[dimension] != 0).then(pl.col(dimension))
        return own.otherwise(pl.lit(self._codes.other, pl.UInt32))

    @staticmethod
    def _finish(cells: pl.DataFrame, dimension: str, across: str) -> pl.DataFrame:
        named = cells.with_columns(
            dimension=pl.lit(dimension), across=pl.lit(across), revision=pl.lit(1, pl.UInt64)
        )
        schema = {**PAIRS, "revision": pl.UInt64()}
        return named.select(pl.col(name).cast(kind) for name, kind in schema.items())
