"""Columns of moments, as the clock of a zone shows them.

Polars has a database of zones of its own. ``zones`` reads Python's, since who keeps keys has no use
for columns; a test holds the two against each other.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from pipeline.zones import UTC


def shown(moment: pl.Expr, zone: str) -> pl.Expr:
    """Return what the zone's clock shows at moments (Int64 seconds since 1970 UTC), in seconds."""
    if zone == UTC:
        return moment
    local = pl.from_epoch(moment).dt.replace_time_zone(UTC).dt.convert_time_zone(zone)
    return local.dt.replace_time_zone(None).dt.epoch("s")


@lru_cache(maxsize=1_000)
def is_zone(name: str) -> bool:
    """Tell whether there is a time zone of that name (IANA), which Polars knows by it."""
    try:
        pl.select(shown(pl.lit(0, pl.Int64), name))
    except pl.exceptions.PolarsError:
        return False
    return bool(name)
