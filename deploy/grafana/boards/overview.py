"""Who came: page views, visits, visitor-days and bots of a site."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panel import CHOSEN, WEB_SITES, Board, Panel, hidden, values

ROLES: Final = f"""
    SELECT window_start, sum(hits) AS views, sum(seconds) AS lasted,
           sumIf(hits, across_value = 'bounce') AS bounces,
           sumIf(hits, across_value IN ('bounce', 'entry')) AS visits
    FROM analytics.pair_daily
    WHERE {CHOSEN} AND segment = 'view' AND dimension = 'segment' AND across = 'role'
    GROUP BY window_start
    HAVING uniqExactIf(across_value, across_value IN ('bounce', 'entry')) = 2
        OR countIf(across_value = '(other)') = 0
"""  # noqa: S608 - words of this folder
"""Days whose visits are known: bounces and entries are shown, or nothing is hidden."""

_CLOSED: Final = "Closed days alone: visits are known once a day has closed."
_KNOWN: Final = "Of days whose bounces and entries could both be shown; other days are left out."


def _stat(title: str, sql: str, about: str = _KNOWN, unit: str = "short") -> Panel:
    return Panel("stat", title, sql, about, width=4, height=4, unit=unit)


def _views(what: str, segment: str) -> str:
    return (
        f"SELECT sumOrNull({what}) AS value FROM analytics.segment_daily "  # noqa: S608
        f"WHERE {CHOSEN} AND segment = '{segment}'"
    )


def _visits(what: str) -> str:
    return f"SELECT {what} AS value FROM ({ROLES})"  # noqa: S608


BOARD: Final = Board(
    "overview",
    "Partywall: overview",
    "People's page views, visits and visitor-days, and the bots beside them.",
    WEB_SITES,
    (
        _stat("Page views", _views("hits", "view"), _CLOSED),
        _stat("Visits", _visits("sumOrNull(visits)")),
        _stat("Visitor-days", _views("visitors", "view"), "Each day's visitors, added up."),
        _stat("Bounce rate", _visits("sum(bounces) / nullIf(sum(visits), 0)"), unit="percentunit"),
        _stat("Page views a visit", _visits("sum(views) / nullIf(sum(visits), 0)")),
        _stat(
            "Visit duration",
            _visits("sum(lasted) / nullIf(sum(visits), 0)"),
            "Mean time from a visit's first to its last page view; a bounce counts 0. " + _KNOWN,
            unit="s",
        ),
        Panel(
            "timeseries",
            "Page views and visitors by day",
            f"""
SELECT window_start AS time, sum(hits) AS "page views", sum(visitors) AS visitors
FROM analytics.segment_daily
WHERE {CHOSEN} AND segment = 'view'
GROUP BY window_start ORDER BY window_start""",  # noqa: S608
            _CLOSED,
        ),
        Panel(
            "timeseries",
            "Visits by day",
            f"SELECT window_start AS time, visits, bounces FROM ({ROLES}) ORDER BY window_start",  # noqa: S608
            _KNOWN,
        ),
        Panel(
            "timeseries",
            "Page views by hour, today too",
            f"""
SELECT window_start AS time, sum(hits) AS "page views"
FROM analytics.segment_hourly
WHERE {CHOSEN} AND segment = 'view'
GROUP BY window_start ORDER BY window_start""",  # noqa: S608
            "An hour shows once it and the lateness allowed are over. Hours need not add up to "
            "their day: some stand for too few by themselves.",
        ),
        Panel(
            "timeseries",
            "People and bots by day",
            f"""
SELECT window_start AS time, audience, sum(hits) AS hits
FROM analytics.traffic_daily
WHERE {CHOSEN}
GROUP BY window_start, audience ORDER BY window_start, audience""",  # noqa: S608
            "All requests, assets included.",
            stacked=True,
        ),
        values("view", "country", "country", "page views", "Countries", width=8),
        values("view", "place", "region or city", "page views", "Regions and cities", width=8),
        values("view", "device", "device", "page views", "Devices", width=8),
        values("view", "browser", "browser", "page views", "Browsers", width=8),
        values("view", "system", "system", "page views", "Systems", width=8),
        values("view", "provider", "provider", "page views", "Providers", width=8),
        values("bot", "bot", "kind", "requests", "Bots by kind", width=8),
        hidden(),
    ),
)
