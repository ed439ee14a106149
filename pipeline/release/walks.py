"""What page views were to their visits: roles, lengths, moves and paths, of a day as it closed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

import polars as pl

from pipeline.events import DIMENSIONS, GOAL, SEGMENT, STEADY, VIEW
from pipeline.release import leaves, paths, visits
from pipeline.release.crossings import NEXT, PATH, ROLE
from pipeline.release.pairs import PLACE, SUMS, Equal, crossed_by, folded, joined
from pipeline.release.sets import dense, distinct, pack
from pipeline.release.telling import NEVER, UNNAMED, Telling
from pipeline.release.together import Table

LENGTH: Final = "visit_length"

_VIEWS: Final = pl.len().cast(pl.Int64).alias("views")
_EQUAL: Final = (visits.ENTRY, visits.EXIT)


class Walks:
    """Makes what is told of views by their visits, in all and by what ``crossed`` names."""

    def __init__(self, crossed: leaves.Crossed, tell: Telling) -> None:
        self._crossed: Final = crossed
        self._tell: Final = tell

    def views(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return a row per view, with its role as all tables tell it."""
        crossed = self._crossed
        names = {"page", "campaign", GOAL, *crossed, *chain(*crossed.values())}
        needed = rows.select(
            *PLACE, "window", "visitor", "hour", "second", "hits", "edition", "day_label",
            *(name for name in DIMENSIONS if name in names), told_page=self._tell.value("page"),
        )  # fmt: skip
        views = visits.views(needed, self._tell.codes)
        return views.with_columns(
            role=folded(views, ROLE, self._tell.k, self._tell.codes, self._equal())
        )

    def told(self, views: pl.DataFrame) -> list[pl.DataFrame]:
        """Return what views were to their visits, in all and by the dimensions."""
        found = [self._in_all(views, ROLE)]
        entries = views.filter(pl.col(ROLE) == self._tell.codes.code(visits.ENTRY))
        if not entries.is_empty():
            lengths = entries.with_columns(folded(entries, LENGTH, self._tell.k, self._tell.codes))
            found.append(self._in_all(lengths, LENGTH))
        crossed = self._crossed
        marked: dict[str, pl.DataFrame] = {}
        asked = [name for name in DIMENSIONS if ROLE in crossed.get(name, ())]
        within = [name for name in asked if self._tell.rules.leaves and DIMENSIONS[name] in asked]
        # What is within another is told as that one is.
        for names in ([name for name in asked if name not in within], within):
            tables = [self._by_role(views, name, marked) for name in names]
            marked |= dict(zip(names, self._tell.marked(tables), strict=True))
        found += [self._tell.counted(cells, name, ROLE) for name, cells in marked.items()]
        if NEXT in crossed.get("page", ()):
            by_role = marked.get("page")
            if by_role is None:
                [by_role] = self._tell.marked([self._by_role(views, "page", {})])
            hidden = _hidden(by_role)
            moves = self._moves(views, hidden)
            found.append(self._tell.counted(moves, "page", NEXT))
            if PATH in crossed["page"]:
                found.append(self._paths(views, hidden, moves))
        return found

    def _by_role(
        self, views: pl.DataFrame, dimension: str, marked: Mapping[str, pl.DataFrame]
    ) -> Table:
        """Return a dimension by role, within how its parent is told (``marked``) where it is."""
        over = marked.get(str(DIMENSIONS[dimension]))
        if over is not None:
            cells = self._within(views, dimension, str(DIMENSIONS[dimension]), over)
        else:
            cells = crossed_by(views, self._tell.value(dimension), pl.col(ROLE), more=[_VIEWS])
        equal = self._equal() if dimension in STEADY else None
        return Table(
            cells if equal is None else self._evened(cells), (dimension, ROLE), equal=equal
        )

    def _evened(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Return cells of which entries and exits of a value are told only where they are as many.

        Of a value that some hour folded the day may tell the one and not the other: the difference
        is of visits that went on from one hour into the next.
        """
        role = self._tell.codes.decode(pl.col("across"))
        of = ["window", "value"]
        ends = [pl.col("views").filter(role == name).sum().over(of) for name in _EQUAL]
        uneven = role.is_in(_EQUAL) & (ends[0] != ends[1])
        return cells.with_columns(least=pl.when(uneven).then(NEVER).otherwise(self._tell.k))

    def _within(
        self, views: pl.DataFrame, dimension: str, parent: str, marked: pl.DataFrame
    ) -> pl.DataFrame:
        """Return cells as tables of their own, one of each value of ``parent``.

        Their across values are those that the parent's own table (``marked``) tells of it, so what
        a value hides is hidden by others of the same parent value.
        """
        cells = crossed_by(
            views,
            self._tell.value(dimension),
            pl.col(ROLE),
            self._tell.value(parent).alias("over"),
            more=[_VIEWS],
        )
        cells = cells.with_columns(whole=leaves.scattered(self._tell.codes.other))
        told = marked.select("window", "across", "across_value", over="value")
        placed = cells.join(told, on=["window", "over", "across"]).with_columns(
            window=dense(pack("window", "over")),
            across=self._tell.codes.encode(pl.col("across_value")),
        )
        return joined(placed, more=[pl.col("views").sum()])

    def _equal(self) -> Equal | None:
        return _EQUAL if self._tell.rules.equal and self._tell.k > 1 else None

    def _in_all(self, views: pl.DataFrame, name: str) -> pl.DataFrame:
        """Return the views of each window by a column whose values are safe."""
        cells = views.group_by("window", name).agg(
            pl.col(PLACE).first(), SUMS, distinct().alias("visitors")
        )
        told = pl.when(pl.col(name) != self._tell.codes.other).then("seconds").otherwise(0)
        return self._tell.finish(
            cells.with_columns(
                told.cast(pl.UInt64).alias("seconds"),
                self._tell.codes.decode(pl.col("site", SEGMENT)),
                across_value=self._tell.codes.decode(pl.col(name)),
                value=pl.lit(VIEW),
            ),
            SEGMENT,
            name,
        )

    def _moves(self, views: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
        """Return the cells of which page followed which that are told.

        A page's moves are a part of its views: what is left of them would say of some roles what
        is hidden. So they are told of pages of which every role is shown, and all others are one.
        """
        moves = views.filter(pl.col(NEXT).is_not_null()).with_columns(
            value="told_page", to=NEXT, seconds=pl.lit(0, pl.UInt64)
        )
        for name in ("value", "to"):
            if self._tell.rules.moves and self._tell.k > 1:
                moves = moves.with_columns(self._complete(moves, name, hidden))
            moves = moves.with_columns(folded(moves, name, self._tell.k, self._tell.codes))
        own = [pl.col(name) != self._tell.codes.other for name in ("value", "across")]
        cells = crossed_by(moves, pl.col("value"), pl.col("to"))
        [told] = self._tell.marked([Table(cells, ("page", NEXT))])
        return told.filter(pl.col("own").is_not_null(), *own)

    def _paths(
        self, views: pl.DataFrame, hidden: pl.DataFrame, moves: pl.DataFrame
    ) -> pl.DataFrame:
        """Return the paths of visits; ``moves`` are those that are told."""
        steps = paths.steps(views)
        guarded = self._tell.rules.paths and self._tell.k > 1
        if guarded:
            shown = moves.select(*PLACE, told_page="value", next_page="across")
            steps = paths.of_told(steps, hidden, shown, self._tell.codes.other)
        steps = paths.named(steps, self._tell.codes)
        told = paths.enough(steps, self._tell.k)
        if guarded:
            told = paths.safe(steps, told, self._tell.k)
        cells = paths.counted(steps, told).with_columns(
            self._tell.codes.decode(pl.col("site", SEGMENT, "value")),
            across_value="path",
            seconds=pl.lit(0, pl.UInt64),
        )
        return self._tell.finish(cells, "page", PATH)

    def _complete(self, moves: pl.DataFrame, name: str, hidden: pl.DataFrame) -> pl.Series:
        """Return the codes of a column of pages, ``(other)`` where a role of the page is hidden."""
        keys = [*PLACE, name]
        mine = hidden.rename({"told_page": name}).with_columns(hidden=pl.lit(value=True))
        marked = moves.select(keys).join(mine, on=keys, how="left", maintain_order="left")
        kept = pl.when(pl.col("hidden").is_null()).then(pl.col(name))
        return marked.select(
            kept.otherwise(pl.lit(self._tell.codes.other, pl.UInt32)).alias(name)
        ).to_series()


def _hidden(by_role: pl.DataFrame) -> pl.DataFrame:
    """Return the pages (PLACE, told_page) of which a role is hidden.

    By their place, since pages within goals have windows of their own, one of each goal.
    """
    hidden = by_role.filter(pl.col("across_value").is_in(UNNAMED))
    return hidden.select(*PLACE, told_page="value").unique()
