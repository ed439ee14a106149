"""Puts released rows into the tables; a row that comes twice changes nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import polars as pl
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.client import taming
from pipeline.errors import IntegrityError
from pipeline.rows import TABLES, RollupsHeader

_NEWEST_SECOND: Final = 2**32 - 1  # DateTime counts seconds since 1970 in 32 bits

_INSERT: Final[dict[str, str]] = {
    "max_partitions_per_insert_block": "0",  # an old archive may span more than 100 months
    "async_insert": "0",  # durable when the call returns, or the offsets would run ahead of it
    "insert_deduplicate": "0",  # revisions decide, not the engine's memory of recent blocks
}


class Loader:
    """Inserts rollups messages; one instance a process, calls one at a time."""

    def __init__(self, client: Client) -> None:
        """Take a writing client whose tables are migrated."""
        self._client = client

    def load(self, messages: Sequence[tuple[RollupsHeader, pl.DataFrame]]) -> int:
        """Insert the rows of ``messages``, one insert a table; return how many rows went in.

        Rows have the columns of ``rows.TABLES`` and ``revision``. When the call returns they are
        durable; an ingest is marked finished only after all rows of the call. May be repeated
        with the same messages in any order. Raises UnavailableError where the engine fails (then
        some of the rows may be in: load the same messages again), IntegrityError for rows whose
        window lies outside 1970 to 2106.
        """
        frames: dict[str, list[pl.DataFrame]] = {}
        for header, rows in messages:
            if rows.height:
                frames.setdefault(header.table, []).append(_dressed(header, rows))
        loaded = 0
        for table, parts in frames.items():
            loaded += self._insert(f"analytics.{table}_revisions", pl.concat(parts))
        finished = {(h.ingest, h.origin) for h, _ in messages if h.finished}
        if finished:
            ends = pl.DataFrame(
                sorted(finished), {"ingest": pl.String, "origin": pl.UInt32}, orient="row"
            )
            self._insert("analytics.ingests", ends)
        return loaded

    def _insert(self, table: str, rows: pl.DataFrame) -> int:
        stream = io.BytesIO()
        # the engine's Arrow reader does not know string views
        rows.write_ipc_stream(stream, compat_level=pl.CompatLevel.oldest())
        with taming(f"inserting into {table}"):
            # raw_insert rather than insert_df_arrow, which imports pandas: a second at start
            self._client.raw_insert(
                table, rows.columns, stream.getvalue(), settings=dict(_INSERT), fmt="ArrowStream"
            )
        return rows.height


def _dressed(header: RollupsHeader, rows: pl.DataFrame) -> pl.DataFrame:
    if header.table not in TABLES:
        raise IntegrityError("rollups for a table that does not exist")
    if not rows["window_start"].is_between(0, _NEWEST_SECOND).all():
        raise IntegrityError("rollups of a window before 1970 or after 2106")
    return rows.with_columns(
        pl.col("window_start").cast(pl.UInt32), pl.lit(header.ingest).alias("ingest")
    )
