"""Which runs of minutes of an hour may be told while the hour goes on, and what they come to.

A *category* is a site's hour, segment and class of status. Its minutes are told in *steps*: a step
is the shortest run of minutes, from where the one before ended, that has k distinct visitors. It is
told once k visitors who are in no step up to it have come in later minutes of the category: the
*reserve*. What an hour holds besides its steps is then k visitors or more, whatever else is said of
it (docs/release.md, rule M).

Both depend on the rows of the minutes that have passed and on nothing else, and a step that is told
stays told: so when they are worked out, and how often, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from pipeline.release.rules import Rules
from pipeline.rows import HOUR, MINUTE

ROWS: Final[dict[str, pl.DataType]] = {
    "category": pl.UInt32(),
    "minute": pl.Int64(),
    "pace": pl.UInt8(),
    "visitor": pl.UInt64(),
    "hits": pl.UInt64(),
    "bytes": pl.UInt64(),
}
"""A visitor's requests of a category and class of response times in a minute.

``minute`` is its start in seconds since 1970; ``pace`` as in ``rows.MINUTES``.
"""
SEEN: Final[dict[str, pl.DataType]] = {"category": pl.UInt32(), "visitor": pl.UInt64()}
"""Who was in a step of a category that was told before."""
STEPS: Final[dict[str, pl.DataType]] = {
    "category": pl.UInt32(),
    "window_start": pl.Int64(),
    "minutes": pl.UInt8(),
    "hits": pl.UInt64(),
    "bytes": pl.UInt64(),
    "visitors": pl.UInt64(),
}
"""A step: its start, how many minutes it spans, and what they hold."""
_PLACE: Final = ["category", "minute"]


def steps(
    rows: pl.DataFrame,
    k: int,
    rules: Rules | None = None,
    *,
    told: Mapping[int, int] = MappingProxyType({}),
    seen: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the steps that can be told, in the order of category and time.

    ``rows`` (ROWS) are all there are of their categories in the minutes that have passed; those of
    steps that were told before are left out of them. ``told`` says by category where these ended,
    and ``seen`` (SEEN) who was in them.
    """
    reserve = k if k > 1 and (rules is None or rules.reserve) else 0
    minutes = _minutes(rows, reserve, pl.DataFrame(schema=SEEN) if seen is None else seen)
    if minutes.is_empty():
        return pl.DataFrame(schema=STEPS)
    begins = _begins(minutes, _visitors(rows, minutes, k), k, told)
    return _told(rows, minutes.with_columns(window_start=pl.Series(begins, dtype=pl.Int64)))


def _minutes(rows: pl.DataFrame, reserve: int, seen: pl.DataFrame) -> pl.DataFrame:
    """Return the minutes after which the reserve has come: hits, bytes, distinct visitors.

    Those come after a minute whom the category saw for the first time then.
    """
    first = (
        rows.lazy()
        .join(seen.lazy(), on=["category", "visitor"], how="anti")
        .group_by("category", "visitor")
        .agg(pl.col("minute").min())
        .group_by(_PLACE)
        .agg(pl.len().alias("new"))
    )
    new = pl.col("new").fill_null(0)
    later = new.sum().over("category") - new.cum_sum().over("category")
    return (
        rows.lazy()
        .group_by(_PLACE)
        .agg(pl.col("hits", "bytes").sum(), pl.col("visitor").n_unique().alias("visitors"))
        .join(first, on=_PLACE, how="left")
        .sort(_PLACE)
        .filter(later >= reserve)
        .drop("new")
        .collect()
    )


def _visitors(rows: pl.DataFrame, minutes: pl.DataFrame, k: int) -> dict[tuple[int, int], set[int]]:
    """Return who came in each minute that is no step by itself: fewer than k, each of them."""
    small = minutes.lazy().filter(pl.col("visitors") < k).select(_PLACE)
    listed = rows.lazy().join(small, on=_PLACE).group_by(_PLACE).agg("visitor").collect()
    return {(category, minute): set(who) for category, minute, who in listed.iter_rows()}


def _begins(
    minutes: pl.DataFrame,
    small: Mapping[tuple[int, int], set[int]],
    k: int,
    told: Mapping[int, int],
) -> list[int | None]:
    """Return of each minute where its step begins, None where there is not yet enough for one."""
    found: list[int | None] = []
    of, start, waiting, seen = -1, 0, 0, set[int]()
    for category, minute, visitors in minutes.select(*_PLACE, "visitors").iter_rows():
        if category != of:
            found += [None] * waiting
            start = told.get(category, minute // HOUR * HOUR)
            of, waiting, seen = category, 0, set()
        waiting += 1
        if visitors < k:
            seen |= small[category, minute]
        if max(visitors, len(seen)) >= k:
            # With k = 1 nothing needs to be told together with the empty minutes before it.
            found += [start if k > 1 else minute] * waiting
            start, waiting, seen = minute + MINUTE, 0, set()
    return found + [None] * waiting


def _told(rows: pl.DataFrame, minutes: pl.DataFrame) -> pl.DataFrame:
    """Return what the steps hold, of ``minutes`` with ``window_start``, where their step begins."""
    step = ["category", "window_start"]
    within = minutes.lazy().drop_nulls("window_start")
    several = within.filter(pl.len().over(step) > 1).select(*_PLACE, "window_start")
    distinct = (
        rows.lazy()
        .join(several, on=_PLACE)
        .group_by(step)
        .agg(pl.col("visitor").n_unique().alias("together"))
    )
    spans = (pl.col("minute").max() - pl.col("window_start").first()) // MINUTE + 1
    return (
        within.group_by(step)
        .agg(pl.col("hits", "bytes").sum(), pl.col("visitors").max(), spans.alias("minutes"))
        .join(distinct, on=step, how="left")
        .with_columns(visitors=pl.coalesce("together", "visitors"))
        .select(pl.col(name).cast(kind) for name, kind in STEPS.items())
        .sort(step)
        .collect()
    )
