"""Which cells of a table of two dimensions may be shown (docs/release.md, rule P).

Its margins are public: what a value has in all, and what an across value has in all. So are the
differences that follow: a value less its shown cells, and an across value less its shown cells.

The frames here have a row per cell:

===========  ============  ========================================================
``window``   UInt32        the window, dense
``value``    UInt32        code of the value as its own table shows it, ``(other)`` too
``across``   UInt32        code of the other value, in the same way
``who``      List(UInt32)  its visitors, each once
===========  ============  ========================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.events import SEGMENT
from pipeline.release.covering import cover
from pipeline.release.rules import Rules, too_few
from pipeline.release.sets import distinct

CELL: Final = ["window", "value", "across"]
_OF_VALUE: Final = ["window", "value"]
_OF_ACROSS: Final = ["window", "across"]
_OWN: Final = pl.col("own")


PLACE: Final = ["site", "window_start", SEGMENT]
SUMS: Final = pl.col("hits", "seconds").sum()

Equal = tuple[str, str]
"""Two across values of which everybody knows that a value has as many of one as of the other."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown.

    ``cells``: window, value, across, visitors. ``parted``: the values (window, value) of which what
    is hidden may be told by its parts.
    """

    cells: pl.DataFrame
    parted: pl.DataFrame


def crossed_by(
    rows: pl.DataFrame,
    value: pl.Expr,
    across: pl.Expr,
    *by: pl.Expr,
    more: Sequence[pl.Expr] = (),
) -> pl.DataFrame:
    """Return the cells of two columns of ``rows``, with their place, hits and seconds.

    ``by`` tells them further apart, ``more`` is added up of each.
    """
    return rows.group_by("window", value.alias("value"), across.alias("across"), *by).agg(
        pl.col(PLACE).first(), pl.col("visitor").unique().alias("who"), SUMS, *more
    )


def with_empty(cells: pl.DataFrame, barred: pl.DataFrame) -> pl.DataFrame:
    """Return the cells, and one without anybody for each that is barred and not there.

    That nobody is in it must then be hidden as any number: by others of its value and column.
    """
    none = barred.join(cells, on=CELL, how="anti")
    if "over" in cells.columns:
        none = none.join(cells.select(*_OF_VALUE, "over").unique(), on=_OF_VALUE)
    places = cells.group_by("window").agg(pl.col(PLACE).first())
    nobody = none.join(places, on="window").with_columns(
        pl.lit([], cells.schema["who"]).alias("who"),
        *(pl.lit(0, cells.schema[name]).alias(name) for name in ("hits", "seconds")),
    )
    return pl.concat([cells, nobody], how="diagonal")


def joined(cells: pl.DataFrame, more: Sequence[pl.Expr] = ()) -> pl.DataFrame:
    """Return cells that stand several times as one each; ``whole`` where one of them is.

    ``more`` is added up of each.
    """
    return cells.group_by(CELL).agg(
        pl.col(PLACE).first(),
        pl.col("who").explode(empty_as_null=False).unique(),
        SUMS,
        pl.col("whole").any(),
        *more,
    )


def shown(
    cells: pl.DataFrame,
    k: int,
    rules: Rules,
    codes: Codes,
    *,
    barred: pl.DataFrame | None = None,
    equal: Equal | None = None,
    parts: Mapping[str, str] | None = None,
) -> Shown:
    """Return what may be shown of ``cells``; ``barred`` ones never are, and hide nobody else.

    A value is *split* where at least one of its cells is shown; ``(other)`` is kept whole, since it
    hides the most and tells the least. What is hidden of an across value must be hidden by values
    that are not split, or whoever knows the split ones could take them away; and what is hidden of
    a split value must be safe by itself. Of ``equal`` ones both are shown, or none.

    ``parts`` puts across values together under a name: what a value hides of each part is told
    apart where both are safe. Such a value counts as split.

    Besides what the module says ``cells`` have ``whole`` (Boolean: not told by name) and ``least``
    (how many visitors must be in a cell that is shown: k, or more).
    """
    cells = cells.select(
        *CELL,
        "who",
        "least",
        visitors=pl.col("who").list.len(),
        text=codes.decode(pl.col("value")),
        across_text=codes.decode(pl.col("across")),
        hides=pl.lit(value=True),
        part=pl.lit(None, pl.String),
        split=(pl.col("value") != codes.other) & ~pl.col("whole"),
    )
    parted = cells.clear().select(_OF_VALUE)
    if k == 1:
        own = cells if barred is None else cells.join(barred, on=CELL, how="anti")
        return Shown(own.select(*CELL, "visitors"), parted)
    if barred is not None:
        cells = cells.join(barred.with_columns(hides=False), on=CELL, how="left", suffix="_not")
        cells = cells.with_columns(hides=pl.col("hides_not").is_null()).drop("hides_not")
    if parts is not None:
        named = pl.col("across_text").replace_strict(parts, default=None)
        cells = cells.with_columns(part=named)
        parted = cells.filter("split").select(_OF_VALUE).unique()
    enough = pl.col("visitors") >= pl.col("least")
    own = cells.filter(enough & pl.col("split") & pl.col("hides"))
    # Whatever happens, these are never split: they need to be looked at once.
    split = pl.concat([own.select(_OF_VALUE), parted]).unique()
    whole = cells.join(split, on=_OF_VALUE, how="anti").select(*_OF_ACROSS, "who", "hides")
    cells = cells.join(split, on=_OF_VALUE, how="semi")
    while not (own.is_empty() and parted.is_empty()):
        hidden = own.clear()
        if equal is not None:
            hidden = _single(own, _OF_VALUE, pl.col("across_text"), equal)
        whole_again = parted.clear()
        if hidden.is_empty() and rules.rests:
            hidden, whole_again = _rests(own, parted, cells, k)
        if hidden.is_empty() and whole_again.is_empty() and rules.pools:
            whole_again = _unsplit(own, parted, cells, whole, k)
            hidden = own.join(whole_again, on=_OF_VALUE, how="semi")
        if hidden.is_empty() and whole_again.is_empty():
            break
        own = own.join(hidden, on=CELL, how="anti")
        parted = parted.join(whole_again, on=_OF_VALUE, how="anti")
    return Shown(own.select(*CELL, "visitors"), parted)


def _single(own: pl.DataFrame, by: list[str], text: pl.Expr, equal: Equal) -> pl.DataFrame:
    """Return the shown cells whose equal is not shown in the same ``by``."""
    one = own.filter(text.is_in(equal))
    both = one.group_by(by).agg(n=pl.len()).filter(pl.col("n") == len(equal))
    return one.join(both, on=by, how="anti")


def folded(
    rows: pl.DataFrame, name: str, k: int, codes: Codes, equal: Equal | None = None
) -> pl.Series:
    """Return the codes of a column that is in no table by itself, the small ones as ``(other)``.

    In each window the values of k visitors stand under their name, and the rest is safe; of
    ``equal`` ones both do, or none.
    """
    of = ["window", name]
    counts = rows.group_by(of).agg(visitors=distinct())
    own = counts.filter(pl.col("visitors") >= k)
    rest = rows.join(own, on=of, how="anti").group_by("window").agg(visitors=distinct())
    short = rest.filter(too_few(pl.col("visitors"), k)).select("window")
    texts = own.join(short, on="window", how="semi").with_columns(text=codes.decode(pl.col(name)))
    own = own.join(_first(texts, ["window"], "text"), on=of, how="anti")
    if equal is not None:
        lone = _single(own, ["window"], codes.decode(pl.col(name)), equal)
        own = own.join(lone, on=of, how="anti")
    marked = rows.select(of).join(
        own.select(*of, own=pl.lit(value=True)), on=of, how="left", maintain_order="left"
    )
    kept = pl.when(pl.col("own").is_not_null()).then(pl.col(name))
    return marked.select(kept.otherwise(pl.lit(codes.other, pl.UInt32))).to_series()


def _rests(
    own: pl.DataFrame, parted: pl.DataFrame, cells: pl.DataFrame, k: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return shown cells to hide and values to tell whole, where too few are hidden.

    That is the smallest cell of the part, or of the value; a part that has none left is not told.
    """
    by_part = pl.col("part").is_not_null() & pl.col("apart").is_not_null()
    of = [*_OF_VALUE, "in"]
    apart = parted.with_columns(apart=pl.lit(value=True))
    placed = cells.join(apart, on=_OF_VALUE, how="left").with_columns(
        pl.when(by_part).then("part").otherwise(pl.lit("")).alias("in")
    )
    split = pl.concat([own.select(_OF_VALUE), parted]).unique()
    near = placed.join(split, on=_OF_VALUE, how="semi").join(own, on=CELL, how="anti")
    rest = near.group_by(of).agg(visitors=_distinct(pl.col("hides")))
    short = rest.filter(pl.col("visitors") < k).select(of)
    candidates = own.join(placed.select(*CELL, "in"), on=CELL)
    victims = _first(candidates.join(short, on=of, how="semi"), of, "across_text")
    stuck = short.join(victims, on=of, how="anti").select(_OF_VALUE).unique()
    # What cannot be told by its parts may be safe as a whole: nothing more is hidden of it yet.
    return victims.join(stuck, on=_OF_VALUE, how="anti"), stuck


def _unsplit(
    own: pl.DataFrame, parted: pl.DataFrame, cells: pl.DataFrame, whole: pl.DataFrame, k: int
) -> pl.DataFrame:
    """Return split values to split no more, for the across values that are hidden badly.

    ``whole`` are the cells of values that never were split, ``cells`` those of all others.
    """
    split = pl.concat([own.select(_OF_VALUE), parted]).unique()
    more = cells.join(split, on=_OF_VALUE, how="anti").select(whole.columns)
    pools = pl.concat([whole, more]).group_by(_OF_ACROSS).agg(pool=_distinct(pl.col("hides")))
    also = cells.join(own, on=CELL, how="anti")
    hidden = pl.concat([whole.select(_OF_ACROSS), also.select(_OF_ACROSS)]).unique()
    short = (
        hidden.join(pools, on=_OF_ACROSS, how="left")
        .with_columns(pl.col("pool").fill_null(0))
        .filter(pl.col("pool") < k)
    )
    # What is lost with a value: the visitors of its cells that are shown.
    shown_of = own.group_by(_OF_VALUE).agg(shown=pl.col("visitors").sum())
    candidates = (
        cells.join(short, on=_OF_ACROSS)
        .join(split, on=_OF_VALUE, how="semi")
        .join(shown_of, on=_OF_VALUE, how="left")
        .select(
            "window", "across", "value", k - pl.col("pool").cast(pl.Int64),
            pl.when("hides").then("visitors").otherwise(0), pl.col("shown").fill_null(0), "text",
        )
    )  # fmt: skip
    chosen = [
        (window, value)
        for (window,), some in candidates.group_by("window")
        for value in cover(some.drop("window").iter_rows())
    ]
    return pl.DataFrame(chosen, schema=split.schema, orient="row")


def _distinct(where: pl.Expr) -> pl.Expr:
    """Return the number of distinct visitors of the cells that ``where`` holds."""
    return pl.col("who").filter(where).explode(empty_as_null=False).n_unique()


def _first(cells: pl.DataFrame, by: list[str], *ties: str) -> pl.DataFrame:
    return cells.sort(*by, "visitors", *ties).unique(by, keep="first", maintain_order=True)
