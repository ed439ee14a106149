"""Reads the four views into a report."""

from __future__ import annotations

import datetime as dt
from typing import Final

from pipeline.clickhouse.queries import QueryFn, Row
from pipeline.report.model import Breakdown, Report, Traffic

_TRAFFIC: Final = """
SELECT site, toUnixTimestamp(window_start) AS start, audience, hits, bytes, visitors
FROM analytics.{table} ORDER BY window_start, site, audience
"""
_BREAKDOWN: Final = """
SELECT site, toUnixTimestamp(window_start) AS start, dimension, value, hits, visitors
FROM analytics.{table}
ORDER BY window_start, site, dimension, value = '(other)', hits DESC, value
"""


def collect(query: QueryFn) -> Report:
    """Return all released rows that ``query`` reaches; raises what ``query`` raises."""
    return Report(
        traffic_daily=_traffic(query, "traffic_daily"),
        traffic_hourly=_traffic(query, "traffic_hourly"),
        breakdown_daily=_breakdown(query, "breakdown_daily"),
        breakdown_hourly=_breakdown(query, "breakdown_hourly"),
    )


def _traffic(query: QueryFn, table: str) -> tuple[Traffic, ...]:
    return tuple(
        Traffic(
            site=str(row["site"]),
            start=_moment(row),
            audience=str(row["audience"]),
            hits=_count(row, "hits"),
            bytes=_count(row, "bytes"),
            visitors=_count(row, "visitors"),
        )
        for row in query(_TRAFFIC.format(table=table))
    )


def _breakdown(query: QueryFn, table: str) -> tuple[Breakdown, ...]:
    return tuple(
        Breakdown(
            site=str(row["site"]),
            start=_moment(row),
            dimension=str(row["dimension"]),
            value=str(row["value"]),
            hits=_count(row, "hits"),
            visitors=_count(row, "visitors"),
        )
        for row in query(_BREAKDOWN.format(table=table))
    )


def _moment(row: Row) -> dt.datetime:
    return dt.datetime.fromtimestamp(_count(row, "start"), dt.UTC)


def _count(row: Row, name: str) -> int:
    # servers may quote 64-bit integers in JSON, by a setting of theirs
    return int(str(row[name]))
