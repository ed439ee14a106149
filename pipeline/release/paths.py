"""Click paths: which pages a visit went through, of what is told anyway (docs/release.md, rule P).

A path is made of shown cells alone: of its pages every role is told, and of each step how often it
was taken. So nothing else hides behind it, and it need only leave of each of these cells nobody or
k visitors.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.codes import Codes
from pipeline.release.confined import confined, spans
from pipeline.release.crossings import NEXT, ROLE
from pipeline.release.pairs import PLACE
from pipeline.release.rules import too_few
from pipeline.release.sets import distinct
from pipeline.rows import MORE, THEN

STEPS: Final = 5
"""Views of a visit that its path names."""

_PATH: Final = ["window", "path"]
_PAGE: Final = ["window", "told_page"]


def steps(views: pl.DataFrame) -> pl.DataFrame:
    """Return the views (as ``visits.views`` has them, in its order) with three columns more.

    ``visit``: a number; ``inside``: whether the view is among its visit's first; ``leads``: whether
    the one after it is so too.
    """
    at = pl.int_range(pl.len())
    placed = views.with_columns(visit=pl.col("begins").cum_sum()).with_columns(
        inside=at - pl.when("begins").then(at).forward_fill() < STEPS
    )
    follows = pl.col("inside") & ~pl.col("begins")
    return placed.with_columns(leads=follows.shift(-1, fill_value=False))


def of_told(
    views: pl.DataFrame, hidden: pl.DataFrame, moves: pl.DataFrame, other: int
) -> pl.DataFrame:
    """Return the steps, ``inside`` those of visits alone of which each step is told by itself.

    ``hidden``: the pages (PLACE, told_page) of which a role is hidden; ``moves``: which page after
    which (PLACE, told_page, next_page) is shown. Of a page that was in one hour alone no path is
    told: it would be a part of what that hour said.
    """
    yes = pl.lit(value=True)
    spots = views.group_by("window", value="told_page", across=pl.lit(other)).agg(*spans())
    lone = confined(spots).select("window", told_page="value", lone=yes)
    page = [*PLACE, "told_page"]
    marked = (
        views.join(hidden.with_columns(hidden=yes), on=page, how="left", maintain_order="left")
        .join(moves.with_columns(moved=yes), on=[*page, NEXT], how="left", maintain_order="left")
        .join(lone, on=_PAGE, how="left", maintain_order="left")
    )
    fine = (
        pl.col("hidden").is_null()
        & pl.col("lone").is_null()
        & (pl.col("told_page") != other)
        & (~pl.col("leads") | pl.col("moved").is_not_null())
    )
    inside = pl.col("inside") & (fine | ~pl.col("inside")).all().over("visit")
    return marked.with_columns(inside).drop("hidden", "moved", "lone")


def named(views: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Return the steps with their visit's ``path``, null of those that are not ``inside``.

    It is null as well where a page's name reads as two.
    """
    first = views.filter("inside").select("visit", "told_page")
    texts = first.select(pl.col("told_page").unique()).with_columns(
        text=codes.decode(pl.col("told_page"))
    )
    ways = (
        first.join(texts, on="told_page", maintain_order="left")
        .group_by("visit", maintain_order=True)
        .agg("text")
        .filter(~pl.col("text").list.eval(pl.element().str.contains(THEN, literal=True)).list.any())
    )
    longer = views.filter(pl.col("inside") & ~pl.col("leads") & (pl.col(NEXT).is_not_null()))
    ends = ways.join(longer.select("visit", more=pl.lit(THEN + MORE)), on="visit", how="left")
    path = pl.col("text").list.join(THEN) + pl.col("more").fill_null("")
    marked = views.join(
        ends.select("visit", path=path), on="visit", how="left", maintain_order="left"
    )
    return marked.with_columns(path=pl.when("inside").then("path"))


def enough(views: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return the paths (window, path, visitors) that k visitors went."""
    went = views.filter(pl.col("path").is_not_null())
    return went.group_by(_PATH).agg(visitors=distinct()).filter(pl.col("visitors") >= k)


def safe(views: pl.DataFrame, told: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return the paths of ``told`` beside which every cell that they are parts of has a safe rest.

    While too few visitors are left of one, the smallest path that has a part of it is not told.
    """
    touched = views.join(told, on=_PATH, how="semi").select(_PAGE).unique()
    near = views.join(touched, on=_PAGE, how="semi")
    while True:
        marked = near.join(told, on=_PATH, how="left")
        taken = pl.col("visitors").is_not_null()
        # Where the last step that a path names leads to is not said.
        victims = [
            _smallest(marked, ROLE, taken, k),
            _smallest(marked, NEXT, taken & pl.col("leads"), k),
        ]
        gone = pl.concat(victims)
        if gone.is_empty():
            return told
        told = told.join(gone, on=_PATH, how="anti")


def _smallest(views: pl.DataFrame, by: str, taken: pl.Expr, k: int) -> pl.DataFrame:
    """Return the smallest path of each cell, of pages by ``by``, of which too few are left."""
    cell = [*_PAGE, by]
    rests = views.group_by(cell).agg(rest=distinct(~taken))
    short = rests.filter(too_few(pl.col("rest"), k))
    parts = views.filter(taken).join(short, on=cell, how="semi")
    ordered = parts.sort(*cell, "visitors", "path")
    return ordered.unique(cell, keep="first").select(_PATH).unique()


def counted(views: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return PLACE, value (code of the first page), path, hits (visits) and visitors."""
    return (
        views.filter("begins")
        .join(told.select(_PATH), on=_PATH, how="semi")
        .group_by(*PLACE, "path", value="told_page")
        .agg(pl.col("hits").sum(), visitors=distinct())
    )
