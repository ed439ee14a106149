"""Rows on their sites' clocks, and what has closed there.

A watermark is one moment, and each clock shows another time then. How far a clock has come is kept
for each, and never goes back, though a clock itself does once a year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Final

import polars as pl

from pipeline.clock import EVER
from pipeline.shown import shown
from pipeline.zones import UTC, reading

ZONE: Final = "zone"
"""The column that says by whose clock the times of a row are."""
Reached = dict[str, int]
"""Zone → the start of the first window that is still open on that clock."""


def on_clocks(batch: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    """Return rows with ``time`` as their site's clock shows it, and ZONE, coded as the texts are.

    ``zones`` has those of sites that are not on UTC.
    """
    sites = defaultdict(list)
    for site, zone in zones.items():
        sites[zone].append(site)
    time, name = pl.col("time"), pl.lit(UTC)
    for zone, mine in sites.items():
        here = pl.col("site").cast(pl.String).is_in(mine)
        time = pl.when(here).then(shown(pl.col("time"), zone)).otherwise(time)
        name = pl.when(here).then(pl.lit(zone)).otherwise(name)
    return batch.with_columns(time.alias("time"), name.cast(batch.schema["site"]).alias(ZONE))


def onward(
    reached: Reached, zones: Iterable[str], moment: int, begin: Callable[[int], int]
) -> Reached:
    """Return how far each clock has come at ``moment``; ``begin`` gives the start of a window."""
    found = {}
    for zone in {*zones, *reached, UTC}:
        now = EVER if moment >= EVER else begin(reading(moment, zone))
        found[zone] = max(now, reached.get(zone, now))
    return found


def over(reached: Reached, start: str) -> pl.Expr:
    """Tell of each row whether its window (column ``start``) is over on the row's clock."""
    found = pl.lit(value=False)
    for zone, first in reached.items():
        found = found | ((pl.col(ZONE) == zone) & (pl.col(start) < first))
    return found


def by_zone(rows: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Return each zone's rows, without ZONE, in order; where there are none, none of UTC."""
    parts = rows.partition_by(ZONE, as_dict=True, include_key=False)
    found = sorted(((str(z), part) for (z,), part in parts.items()), key=itemgetter(0))
    return found or [(UTC, rows.drop(ZONE))]
