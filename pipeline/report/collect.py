"""Reads the four views into a report."""

from __future__ import annotations

import datetime as dt
from typing import Final

from pipeline.clickhouse.queries import QueryFn, Row
from pipeline.report.model import Breakdown, Report, Traffic

_TRAFFIC: Final = """
SELECT site, toUnixTimestamp(window_start) AS start, audience, hits, bytes, visitors
FROM {rows} ORDER BY window_start, site, audience
"""
_BREAKDOWN: Final = """
SELECT site, toUnixTimestamp(window_start) AS start, dimension, value, hits, visitors
FROM {rows}
ORDER BY window_start, site, dimension, value = '(other)', hits DESC, value
"""


def collect(query: QueryFn, ingest: str | None = None) -> Report:
    """Return all released rows that ``query`` reaches; raises what ``query`` raises.

    ``ingest``, a label of closed shape, leaves all others out: an account that is set beneath the
    rows is that of one ingest.
    """

    def rows(table: str) -> str:
        if ingest is None:
            return f"analytics.{table}"
        return f"(SELECT * FROM analytics.{table}_revisions FINAL WHERE ingest = '{ingest}')"  # noqa: S608

    return Report(
        traffic_daily=_traffic(query, rows("traffic_daily")),
        traffic_hourly=_traffic(query, rows("traffic_hourly")),
        breakdown_daily=_breakdown(query, rows("breakdown_daily")),
        breakdown_hourly=_breakdown(query, rows("breakdown_hourly")),
    )


def _traffic(query: QueryFn, rows: str) -> tuple[Traffic, ...]:
    return tuple(
        Traffic(
            site=str(row["site"]),
            start=_moment(row),
            audience=str(row["audience"]),
            hits=_count(row, "hits"),
            bytes=_count(row, "bytes"),
            visitors=_count(row, "visitors"),
        )
        for row in query(_TRAFFIC.format(rows=rows))
    )


def _breakdown(query: QueryFn, rows: str) -> tuple[Breakdown, ...]:
    return tuple(
        Breakdown(
            site=str(row["site"]),
            start=_moment(row),
            dimension=str(row["dimension"]),
            value=str(row["value"]),
            hits=_count(row, "hits"),
            visitors=_count(row, "visitors"),
        )
        for row in query(_BREAKDOWN.format(rows=rows))
    )


def _moment(row: Row) -> dt.datetime:
    return dt.datetime.fromtimestamp(_count(row, "start"), dt.UTC)


def _count(row: Row, name: str) -> int:
    # servers may quote 64-bit integers in JSON, by a setting of theirs
    return int(str(row[name]))
