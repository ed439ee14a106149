"""What is not told: shares of a simulated day under ``(other)``, by the size of the site.

The day goes through the real ledger, hour by hour, and what comes out is held against what went in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.bench.simulated_day import HOLD, LATENESS, SITE, START, hours
from pipeline.policy import Crossings
from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.release.visits import BEGAN, WENT_ON
from pipeline.rows import HOUR, OTHER, THEN

_TOLD_IN_PART: Final = (OTHER, BEGAN, WENT_ON)

WAYS: Final[Mapping[str, Rules]] = {
    "as it is": Rules(),
    "pairs split one way": Rules(either_way=False),
    "roles without parts": Rules(parts=False),
    "threshold alone (unsafe)": Rules(
        pull=False,
        alone=False,
        split=False,
        rests=False,
        pools=False,
        confined=False,
        equal=False,
        leaves=False,
        moves=False,
        paths=False,
        apart=False,
    ),
}
"""Ways to choose what is folded. The last one lets remainders betray people. It says about how
much a better choice of what hides them could gain; now and then it loses more, since what a day may
tell depends on what its hours told."""


@dataclass(frozen=True, slots=True)
class Share:
    """Of one way: share of the hits of ``table`` that is lost, or of a pair that is told."""

    way: str
    table: str
    segment: str
    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What a day of a site comes to. ``withheld``: share of its hits that are in no table."""

    visits: int
    hits: int
    withheld: float
    shares: list[Share]


def measure(
    visits: int, k: int, place_floor: int, crossings: Crossings, ways: Sequence[str], seed: int
) -> Loss:
    """Return what a day of ``visits`` visits loses, each of ``ways`` by itself."""
    frames = list(hours(visits, seed))
    shares: list[Share] = []
    counted, withheld = 0, 0.0
    for way in ways:
        ledger = Ledger(
            k,
            LATENESS,
            HOLD,
            place_floor=place_floor,
            crossings=crossings,
            rules=WAYS[way],
        )
        found = [
            ledger.apply(frame, START + (hour + 1) * HOUR) for hour, frame in enumerate(frames)
        ]
        found.append(ledger.apply(frames[0].clear(), None, end=True))
        account = found[-1].accounts[SITE]
        if way == ways[0]:
            counted, withheld = account.counted, account.withheld / account.counted
        tables = {
            name: pl.concat([one.tables[name] for one in found])
            for name in ("segment_breakdown_hourly", "segment_breakdown_daily", "pair_daily")
        }
        shares += _lost(way, tables["segment_breakdown_hourly"], "hours")
        shares += _lost(way, tables["segment_breakdown_daily"], "days")
        shares += _told(way, tables["pair_daily"])
    return Loss(visits, counted, withheld, shares)


def _lost(way: str, rows: pl.DataFrame, table: str) -> Iterator[Share]:
    """Yield the share of each segment's hits under ``(other)``, by dimension."""
    cell = ["window_start", "segment", "dimension", "value"]
    newest = rows.sort("revision").unique(cell, keep="last")
    folded = pl.when(pl.col("value") == OTHER).then("hits").otherwise(0).sum()
    of = newest.group_by("segment", "dimension").agg(lost=folded / pl.col("hits").sum())
    for segment, dimension, share in of.sort("segment", "dimension").iter_rows():
        yield Share(way, table, segment, dimension, share)


def _told(way: str, rows: pl.DataFrame) -> Iterator[Share]:
    """Yield the share of hits that stand in a cell with both names, by pair.

    Of roles also the share of which at least is told whether a view began its visit. Of moves, of
    which nothing else is told, it is of all views that were followed by another; of paths, of the
    visits of several views.
    """
    alone = ~pl.col("across_value").str.contains(THEN, literal=True)
    rows = rows.filter(~((pl.col("across") == "click_path") & alone))
    both = (pl.col("value") != OTHER) & ~pl.col("across_value").is_in(_TOLD_IN_PART)
    told = pl.when(both).then("hits").otherwise(0).sum().alias("told")
    partly = both | pl.col("across_value").is_in([BEGAN, WENT_ON])
    began = pl.when(partly).then("hits").otherwise(0).sum()
    in_all = (pl.col("dimension") == "segment") & (pl.col("across") == "role")
    entry, moving = (
        rows.filter(in_all & pl.col("across_value").is_in(roles)).get_column("hits").sum()
        for roles in (["entry"], ["entry", "between"])
    )
    whole_of = {"next_page": moving, "click_path": entry}
    pair = ["segment", "dimension", "across"]
    of = rows.group_by(pair).agg(told, pl.col("hits").sum().alias("all"), began.alias("began"))
    for segment, one, two, hits_told, everything, known in of.sort(pair).iter_rows():
        whole = whole_of.get(two, everything)
        share = hits_told / whole if whole else 0.0
        yield Share(way, "pairs", segment, f"{one} x {two}", share)
        if known != hits_told:
            yield Share(way, "pairs", segment, f"{one} x {two}, or part", known / whole)
