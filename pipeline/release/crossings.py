"""Two things at a time, of a day as it closed: which there are, and the rows of ``pair_daily``.

A value stands in a pair as its own table shows it: under its name, or in ``(other)``. Late rows of
a closed day change no pair, so pairs have one revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.errors import SettingsError
from pipeline.events import DIMENSIONS, SEGMENT, VIEW
from pipeline.release import visits
from pipeline.release.confined import confined
from pipeline.release.pairs import CELL, Equal, Shown, folded, shown, shown_either_way
from pipeline.release.rules import BITS, Rules
from pipeline.release.sets import distinct
from pipeline.rows import OTHER, PAIRS

ROLE: Final = "role"
NEXT: Final = "next_page"
LENGTH: Final = "visit_length"

Crossings = Mapping[str, Mapping[str, Sequence[str]]]
"""Segment → dimension → what it is crossed with: other dimensions, and of views ``role``, and of
their pages ``next_page``."""

_RESTS: Final = (OTHER, visits.BEGAN, visits.WENT_ON)
"""Under which names what is hidden of a value may stand."""
_OF_A_PERSON: Final = frozenset({"browser", "system", "device", "country", "provider"})
"""What does not change during a visit: of such a value as many visits end as begin."""
_EQUAL: Final = (visits.ENTRY, visits.EXIT)
_VALUE: Final = ["window", "value"]
_PLACE: Final = ["site", "window_start", SEGMENT]


def check(crossings: Crossings) -> None:
    """Raise SettingsError where a policy crosses what cannot be crossed."""
    for segment, dimensions in crossings.items():
        for name, others in dimensions.items():
            allowed = set(DIMENSIONS) - {name}
            if segment == VIEW:
                allowed |= {ROLE, NEXT} if name == "page" else {ROLE}
            for across in others:
                if name not in DIMENSIONS or across not in allowed:
                    raise SettingsError(
                        f"policy: crossings: {name} x {across} in segment {segment} is not known: "
                        "name two dimensions, or under view a dimension and role, or page and "
                        "next_page"
                    )


class Crossed:
    """Makes the pairs of closing days; of views always also what visits were in all."""

    def __init__(self, crossings: Crossings, k: int, rules: Rules, codes: Codes) -> None:
        self._crossings: Final = crossings
        self._k: Final = k
        self._rules: Final = rules
        self._codes: Final = codes

    def made(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of ``pair_daily`` and ``revision``.

        ``rows``: those that a day's first edition publishes, with window, site, window_start,
        segment and the dimensions (codes), visitor, hour, second, hits, base and label (of the
        hour) and day_label.
        """
        parts = [pl.DataFrame(schema={**PAIRS, "revision": pl.UInt64()})]
        segments = rows.select(code=pl.col(SEGMENT).unique())
        names = segments.with_columns(name=self._codes.decode(pl.col("code")))
        for code, name in names.iter_rows():
            mine = rows.filter(pl.col(SEGMENT) == code)
            if name == VIEW:
                parts += self._of_visits(mine)
            for dimension, others in self._crossings.get(name, {}).items():
                for across in others:
                    if across in DIMENSIONS:
                        parts.append(self._of_dimensions(mine, dimension, across))
        keys = [*_PLACE, "dimension", "value", "across", "across_value"]
        return pl.concat(parts).sort(keys)

    def _of_visits(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Return what views were to their visits, in all and by the dimensions."""
        views = visits.views(rows.with_columns(told_page=self._value("page")), self._codes)
        views = views.with_columns(role=folded(views, ROLE, self._k, self._codes, self._equal()))
        found = [self._in_all(views, ROLE)]
        entries = views.filter(self._codes.decode(pl.col(ROLE)) == visits.ENTRY)
        if not entries.is_empty():
            lengths = entries.with_columns(folded(entries, LENGTH, self._k, self._codes))
            found.append(self._in_all(lengths, LENGTH))
        for dimension, others in self._crossings.get(VIEW, {}).items():
            if ROLE in others:
                part = views.with_columns(value=self._value(dimension), to=pl.col(ROLE))
                equal = self._equal() if dimension in _OF_A_PERSON else None
                found.append(
                    self._in_all(part, ROLE, dimension)
                    if _alone(part, "value")
                    else self._table(part, dimension, ROLE, equal=equal)
                )
            if NEXT in others:
                found.append(self._moves(views))
        return found

    def _equal(self) -> Equal | None:
        return _EQUAL if self._rules.equal and self._k > 1 else None

    def _in_all(self, views: pl.DataFrame, name: str, dimension: str = SEGMENT) -> pl.DataFrame:
        """Return the views of each window by a column whose values are safe.

        For a dimension that has one value in each window, that is its pair as well.
        """
        value = pl.lit(VIEW) if dimension == SEGMENT else self._codes.decode(pl.col("value"))
        kept = _PLACE if dimension == SEGMENT else [*_PLACE, "value"]
        cells = views.group_by("window", name).agg(pl.col(kept).first(), *_counts())
        told = pl.when(pl.col(name) != self._codes.other).then("seconds").otherwise(0)
        return self._finish(
            cells.with_columns(
                told.cast(pl.UInt64).alias("seconds"),
                self._codes.decode(pl.col("site", SEGMENT)),
                across_value=self._codes.decode(pl.col(name)),
                value=value,
            ),
            dimension,
            name,
        )

    def _moves(self, views: pl.DataFrame) -> pl.DataFrame:
        """Return which page followed which.

        What is left of a page is not told: it could be set against what its views were to visits.
        """
        moves = views.filter(pl.col(NEXT).is_not_null()).with_columns(
            value="told_page", to=NEXT, seconds=pl.lit(0, pl.UInt64)
        )
        for name in ("value", "to"):
            moves = moves.with_columns(folded(moves, name, self._k, self._codes))
        own = [pl.col(name) != self._codes.other for name in ("value", "across")]
        return self._table(moves, "page", NEXT, told=pl.all_horizontal(own))

    def _of_dimensions(self, rows: pl.DataFrame, dimension: str, across: str) -> pl.DataFrame:
        part = rows.with_columns(
            value=self._value(dimension),
            to=self._value(across),
            seconds=pl.lit(0, pl.UInt64),
        )
        if self._k > 1 and (_alone(part, "value") or _alone(part, "to")):
            return pl.DataFrame(schema={**PAIRS, "revision": pl.UInt64()})  # nothing to cross
        return self._table(part, dimension, across)

    def _table(
        self,
        rows: pl.DataFrame,
        dimension: str,
        across: str,
        *,
        told: pl.Expr | None = None,
        equal: Equal | None = None,
    ) -> pl.DataFrame:
        """Return the cells that may be shown, and in ``(other)`` the rest of each value.

        ``rows`` have value and to. With ``told`` nothing but the cells for which it holds.
        """
        rows = rows.select(
            "window", *_PLACE, "visitor", "hits", "seconds", "value", "hour", "base", "label",
            across="to",
        )  # fmt: skip
        barred = None
        if self._rules.confined and across in BITS:
            barred = confined(rows, (BITS[dimension], BITS[across]), self._k)
        parts = visits.PARTS if across == ROLE and equal is None else None
        seen = rows.group_by(*CELL, "visitor").agg(pl.col("hits", "seconds").sum())
        given = seen, self._k, self._rules, self._codes
        if across in BITS:
            told_of = shown_either_way(*given, barred=barred)
        else:
            told_of = shown(*given, equal=equal, parts=parts)
        cells = seen.group_by(CELL).agg(*_counts())
        named, rest = self._named(cells, told_of, parts)
        if told is not None:
            named, rest = named.filter(told), rest.clear()
        hidden = seen.join(rest, on=CELL).group_by(*_VALUE, "rest").agg(*_counts())
        columns = [*_VALUE, "across_value", "hits", "seconds", "visitors"]
        # How long visits lasted is told of all rows of a cell, or of none.
        hidden = hidden.with_columns(
            across_value=pl.col("rest").replace_strict(dict(enumerate(_RESTS))),
            seconds=pl.lit(0, pl.UInt64),
        )
        found = pl.concat([named.select(columns), hidden.select(columns)])
        places = rows.group_by("window").agg(pl.col(_PLACE).first())
        found = found.join(places, on="window").with_columns(
            self._codes.decode(pl.col("site", SEGMENT, "value"))
        )
        return self._finish(found, dimension, across)

    def _named(
        self, cells: pl.DataFrame, told_of: Shown, parts: Mapping[str, str] | None
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the cells that stand under their name, and of all others in which rest they are.

        A rest is its place in _RESTS: a number, as there is one for each row behind it.
        """
        marked = (
            cells.join(told_of.cells.select(*CELL, own=pl.lit(value=True)), on=CELL, how="left")
            .join(told_of.parted.with_columns(parted=pl.lit(value=True)), on=_VALUE, how="left")
            .with_columns(across_value=self._codes.decode(pl.col("across")))
        )
        own = pl.col("own").is_not_null() & (pl.col("across_value") != OTHER)
        rest = pl.lit(0, pl.UInt8)
        if parts is not None:
            places = {role: _RESTS.index(name) for role, name in parts.items()}
            part = pl.col("across_value").replace_strict(places, default=0, return_dtype=pl.UInt8)
            rest = pl.when(pl.col("parted").is_not_null()).then(part).otherwise(rest)
        others = marked.filter(~own).select(*CELL, rest=rest)
        return marked.filter(own), others

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


def _counts() -> list[pl.Expr]:
    return [pl.col("hits", "seconds").sum(), distinct().alias("visitors")]


def _alone(rows: pl.DataFrame, name: str) -> bool:
    """Tell whether a column has one value in each window."""
    return bool((rows.group_by("window").agg(pl.col(name).n_unique())[name] == 1).all())
