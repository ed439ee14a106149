"""Minutes of live traffic that have not passed yet: who asked a site for what kind of answer.

A row that comes when its minute has passed takes no part here; its hour has it all the same.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline import response_times, rows
from pipeline.events import SEGMENT
from pipeline.rollups.clocks import ZONE, Reached, over

OPEN_MINUTES: Final[dict[str, pl.DataType]] = {
    "position": pl.Int64(),
    ZONE: pl.String(),
    **rows.MINUTES,
}
"""Columns of the state: MINUTES, by whose clock, and the events offset they came with."""
_CATEGORY: Final = [ZONE, "site", "minute", SEGMENT, "status_class", "pace", "visitor"]
_PACES: Final = {name: place for place, name in enumerate(response_times.CLASSES)}
NO_STATUS: Final = "(none)"


def taken(position: int, batch: pl.DataFrame, passed: Reached) -> pl.DataFrame:
    """Return OPEN_MINUTES of events, texts coded as theirs; none of minutes ``passed``."""
    text = batch.schema[SEGMENT]
    fresh = batch.lazy().filter(~over(passed, "time"))
    kind = pl.col("status").cat.slice(0, 1)
    return (
        fresh.group_by(
            ZONE,
            "site",
            (pl.col("time") // rows.MINUTE * rows.MINUTE).alias("minute"),
            SEGMENT,
            "status",
            "response_time",
            "visitor",
            maintain_order=True,
        )
        .agg(pl.len().cast(pl.UInt64).alias("hits"), pl.col("bytes").sum())
        .with_columns(
            position=pl.lit(position, pl.Int64),
            status_class=pl.when(kind.is_in(list("12345")))
            .then(kind + "xx")
            .otherwise(pl.lit(NO_STATUS))
            .cast(text),
            pace=pl.col("response_time")
            .cast(pl.String)
            .replace_strict(_PACES, default=len(_PACES), return_dtype=pl.UInt8),
        )
        .select(*OPEN_MINUTES)
        .collect()
    )


def pending(open_rows: pl.DataFrame, passed: Reached) -> pl.DataFrame:
    """Return the rows of minutes that have not passed; all where none has."""
    return open_rows.filter(~over(passed, "minute"))


def told(open_rows: pl.DataFrame) -> pl.DataFrame:
    """Return ZONE and MINUTES of what has passed, one row a visitor, minute and category."""
    # A worker that does it again must say it in the same order (CellsHeader.first).
    grouped = open_rows.lazy().group_by(_CATEGORY, maintain_order=True)
    return grouped.agg(pl.col("hits", "bytes").sum()).select(ZONE, *rows.MINUTES).collect()
