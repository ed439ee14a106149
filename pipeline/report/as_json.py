"""The report as one JSON object, for programs."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from pipeline.report.model import Account, Breakdown, Report, Traffic, Visits
from pipeline.zones import UTC


def as_json(report: Report, account: Account) -> dict[str, object]:
    """Return the object that ``partywall report --json`` prints.

    Times are ISO 8601 by the clock of ``zone``, with a ``Z`` where that is UTC and without an
    offset elsewhere; ``visitors_daily`` adds up the audiences of a day.
    ``totals.bytes`` counts released windows only.
    """
    period, zone = report.period, report.zone
    visitors: defaultdict[str, int] = defaultdict(int)
    for row in report.traffic_daily:
        visitors[row.start.date().isoformat()] += row.visitors
    return {
        "sites": list(report.sites),
        "period": {
            "start": _moment(period[0], zone) if period else None,
            "end": _moment(period[1], zone) if period else None,
        },
        "zone": zone,
        "k": account.k,
        "anonymous": account.anonymous,
        "lines": {
            "in": account.lines,
            "events": account.events,
            "rejected": account.rejected,
            "ignored": account.ignored,
        },
        "rejected_reasons": dict(account.reasons),
        "totals": {
            "hits": report.released_hits + account.withheld_hits,
            "bytes": report.released_bytes,
            "visitors_daily": dict(visitors),
            "released_hits": report.released_hits,
            "withheld_hits": account.withheld_hits,
        },
        "sealed": {"records": account.records, "segments": account.segments},
        "traffic_daily": [_traffic(row, zone) for row in report.traffic_daily],
        "traffic_hourly": [_traffic(row, zone) for row in report.traffic_hourly],
        "breakdown_daily": [_breakdown(row, zone) for row in report.breakdown_daily],
        "breakdown_hourly": [_breakdown(row, zone) for row in report.breakdown_hourly],
        "visits": [_visits(one) for one in report.visits],
    }


def _traffic(row: Traffic, zone: str) -> dict[str, object]:
    return {
        "site": row.site,
        "window_start": _moment(row.start, zone),
        "audience": row.audience,
        "hits": row.hits,
        "bytes": row.bytes,
        "visitors": row.visitors,
    }


def _breakdown(row: Breakdown, zone: str) -> dict[str, object]:
    return {
        "site": row.site,
        "window_start": _moment(row.start, zone),
        "dimension": row.dimension,
        "value": row.value,
        "hits": row.hits,
        "visitors": row.visitors,
    }


def _visits(one: Visits) -> dict[str, object]:
    return {
        "site": one.site,
        "visits": one.visits,
        "bounce_rate": one.bounce_rate,
        "views_per_visit": one.views_per_visit,
        "visit_duration": one.visit_duration,
        "entries": [{"page": page, "visits": visits} for page, visits in one.entries],
        "exits": [{"page": page, "visits": visits} for page, visits in one.exits],
    }


def _moment(moment: dt.datetime, zone: str) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if zone == UTC else "")
