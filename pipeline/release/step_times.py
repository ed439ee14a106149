"""How long the answers of a step of minutes took, in ranges of classes.

A step is parted into ranges of neighbouring classes. Each has k visitors in the step, and k who are
in no step up to it ask for answers within the range in the minutes by which the step's own reserve
is full: so what an hour holds of these classes besides them is k visitors or more, whatever else is
said of it (docs/release.md, rule M). What the log does not say is a part by itself; where it, or
what the log says, cannot be told, nothing is told of how long the answers of the step took.

As with steps this depends on the rows of minutes that have passed and on nothing else. Later ones
are not looked at, so when it is worked out changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.release.rules import Rules
from pipeline.response_times import CLASSES, NONE, range_of
from pipeline.rows import MINUTE

UNSAID: Final = len(CLASSES)
"""The place, after those of CLASSES, of a log that does not say how long an answer took."""
TIMES: Final[dict[str, pl.DataType]] = {
    "category": pl.UInt32(),
    "window_start": pl.Int64(),
    "minutes": pl.UInt8(),
    "response_time": pl.String(),
    "hits": pl.UInt64(),
    "visitors": pl.UInt64(),
}
"""A range of a step, named as classes are."""
_STEP: Final = ["category", "window_start"]


@dataclass(slots=True)
class _Class:
    """Who is of a class within a step, and who of its reserve: numbers, and names of the few."""

    within: int = 0
    after: int = 0
    inside: set[int] = field(default_factory=set)
    reserve: set[int] = field(default_factory=set)


def times(
    rows: pl.DataFrame, seen: pl.DataFrame, found: pl.DataFrame, k: int, rules: Rules | None = None
) -> pl.DataFrame:
    """Return the ranges (TIMES) of the steps ``found``, in their order; tells k = 1 every class.

    ``rows`` and ``seen`` are those that ``steps`` found them by.
    """
    if found.is_empty():
        return pl.DataFrame(schema=TIMES)
    reserve = k if k > 1 and (rules is None or (rules.reserve and rules.paces)) else 0
    ends = pl.col("window_start") + pl.col("minutes").cast(pl.Int64) * MINUTE
    known = found.lazy().select(*_STEP, "minutes", end=ends)
    inside = _within(rows, known).collect()
    classes: dict[tuple[int, int], dict[int, _Class]] = defaultdict(dict)
    for category, start, pace, count, who in _few(inside.lazy(), k).collect().iter_rows():
        classes[category, start][pace] = _Class(count, inside=set(who))
    if reserve:
        after = _few(_after(rows, seen, known, reserve), k).collect()
        for category, start, pace, count, who in after.iter_rows():
            # Of a class that the step has nobody of, nobody can hide what it has.
            if pace in classes[category, start]:
                one = classes[category, start][pace]
                one.after, one.reserve = count, set(who)
    named = [
        (category, start, pace, name)
        for (category, start), of in classes.items()
        for pace, name in _ranges(of, k, reserve)
    ]
    kinds = {"category": pl.UInt32(), "window_start": pl.Int64(), "pace": pl.UInt8(),
             "response_time": pl.String()}  # fmt: skip
    return (
        inside.lazy()
        .join(pl.LazyFrame(named, kinds, orient="row"), on=[*_STEP, "pace"])
        .group_by(*_STEP, "minutes", "response_time")
        .agg(pl.col("hits").sum(), pl.col("visitor").n_unique().alias("visitors"))
        .select(pl.col(name).cast(kind) for name, kind in TIMES.items())
        .sort(*_STEP, "response_time")
        .collect()
    )


def _within(rows: pl.DataFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows of steps, with the step that each is in."""
    return (
        rows.lazy()
        .sort("minute")
        .join_asof(
            known.sort("window_start"), left_on="minute", right_on="window_start", by="category",
            check_sortedness=False,
        )
        .filter(pl.col("minute") < pl.col("end"))
    )  # fmt: skip


def _after(
    rows: pl.DataFrame, seen: pl.DataFrame, known: pl.LazyFrame, reserve: int
) -> pl.LazyFrame:
    """Return the rows of who came after a step for the first time, until its reserve was full."""
    first = (
        rows.lazy()
        .join(seen.lazy(), on=["category", "visitor"], how="anti")
        .group_by("category", "visitor")
        .agg(pl.col("minute").min().alias("first"))
    )
    came = first.group_by("category", "first").agg(pl.len().cast(pl.Int64).alias("new"))
    until = (
        known.join(came, on="category")
        .filter(pl.col("first") >= pl.col("end"))
        .filter(pl.col("new").cum_sum().over(_STEP, order_by="first") - pl.col("new") < reserve)
        .select(*_STEP, "end", minute="first")
    )
    return (
        rows.lazy()
        .join(until, on=["category", "minute"])
        .join(first, on=["category", "visitor"])
        .filter(pl.col("first") >= pl.col("end"))
    )


def _few(rows: pl.LazyFrame, k: int) -> pl.LazyFrame:
    """Return how many visitors a class of a step has, and which where they are fewer than k."""
    who = pl.col("visitor").unique()
    return (
        rows.group_by(*_STEP, "pace")
        .agg(pl.col("visitor").n_unique().alias("count"), who.head(k).alias("who"))
        .select(*_STEP, "pace", "count", "who")
    )


def _ranges(of: Mapping[int, _Class], k: int, reserve: int) -> Iterator[tuple[int, str]]:
    """Yield the range that each class is told in; nothing where one cannot be told."""
    timed = {pace: one for pace, one in of.items() if pace != UNSAID}
    parted = _parted(timed, k, reserve)
    unsaid = [of[UNSAID]] if UNSAID in of else []
    # Where one of the two is not told, the step would tell it less the other.
    if (timed and not parted) or (unsaid and not _may_be_told(unsaid, k, reserve)):
        return
    if unsaid:
        yield UNSAID, NONE
    above = len(CLASSES)
    for number, paces in enumerate(parted, 1):
        # A range of several classes does not say by its ends that anybody was in the outermost.
        alone = len(paces) == 1
        high = paces[0] if alone else above - 1
        low = paces[-1] if alone or number < len(parted) else 0
        above = low
        yield from ((pace, range_of(low, high)) for pace in paces)


def _parted(of: Mapping[int, _Class], k: int, reserve: int) -> list[list[int]]:
    """Return the classes of each range, the slowest first, so that most is known of these.

    There is none where all together are too few.
    """
    told: list[list[int]] = []
    held: list[int] = []
    for pace in sorted(of, reverse=True):
        held.append(pace)
        if _may_be_told([of[one] for one in held], k, reserve):
            told.append(held)
            held = []
    if told:
        told[-1] += held  # the more classes, the more visitors
    return told


def _may_be_told(some: list[_Class], k: int, reserve: int) -> bool:
    # Of whom k or more are, not all are named.
    within = max(len(set().union(*(one.inside for one in some))), *(one.within for one in some))
    after = max(len(set().union(*(one.reserve for one in some))), *(one.after for one in some))
    return within >= k and after >= reserve
