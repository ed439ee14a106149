"""What was released, and what the tables themselves show of what was not."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panel import CHOSEN, SITE, WEB_SITES, WHEN, Board, Panel, hidden

_SEEN: Final = (
    "\n\n**Fewest visitors** is read from the tables: k is no higher than that, and no number "
    "stands for fewer. How much was counted and withheld is no number of the open side: "
    "`partywall status` tells it, per site, as *counted = released + withheld*."
)

_FEWEST: Final = " UNION ALL ".join(
    f"SELECT visitors FROM analytics.{view} WHERE {CHOSEN}"  # noqa: S608
    for view in (
        "traffic_daily", "traffic_hourly", "segment_daily", "segment_hourly",
        "segment_breakdown_daily", "segment_breakdown_hourly", "pair_daily",
    )
)  # fmt: skip


def _stat(title: str, sql: str, about: str, unit: str = "short") -> Panel:
    return Panel("stat", title, sql, about, width=6, height=4, unit=unit)


BOARD: Final = Board(
    "release",
    "Partywall: release",
    "How much of the traffic has a name of its own, and how much is under (other).",
    WEB_SITES.replace("WHERE NOT endsWith(site, '.widget') ", ""),
    (
        _stat(
            "Fewest visitors behind a number",
            f"SELECT minOrNull(visitors) AS value FROM ({_FEWEST})",  # noqa: S608
            "Of all that is shown of this site in this time.",
        ),
        _stat(
            "Share under (other)",
            "SELECT sumIf(hits, value = '(other)') / nullIf(sum(hits), 0) AS value "  # noqa: S608
            f"FROM analytics.segment_breakdown_daily WHERE {CHOSEN}",
            "Hits of all dimensions of all days that have no name of their own.",
            unit="percentunit",
        ),
        _stat(
            "Days closed",
            f"SELECT uniqExact(window_start) AS value FROM analytics.traffic_daily WHERE {CHOSEN}",  # noqa: S608
            "Days with any released number.",
        ),
        _stat(
            "Days with visits",
            "SELECT uniqExact(window_start) AS value FROM analytics.pair_daily "  # noqa: S608
            f"WHERE {CHOSEN} AND dimension = 'segment' AND across = 'role' "
            "AND across_value IN ('bounce', 'entry')",
            "Days whose bounces or entries could be shown.",
        ),
        Panel(
            "table",
            "Under (other), by dimension",
            f"""
SELECT segment, dimension, sum(hits) AS "all hits",
       sumIf(hits, value = '(other)') AS "under (other)",
       "under (other)" / nullIf("all hits", 0) AS share
FROM analytics.segment_breakdown_daily
WHERE {CHOSEN}
GROUP BY segment, dimension ORDER BY segment, share DESC, dimension""",  # noqa: S608
            units=(("share", "percentunit"),),
        ),
        Panel(
            "table",
            "Under (other), of two things at a time",
            f"""
SELECT segment, dimension, across, sum(hits) AS "all hits",
       sumIf(hits, across_value = '(other)') AS "under (other)",
       "under (other)" / nullIf("all hits", 0) AS share
FROM analytics.pair_daily
WHERE {CHOSEN}
GROUP BY segment, dimension, across ORDER BY segment, share DESC, dimension, across""",  # noqa: S608
            units=(("share", "percentunit"),),
        ),
        Panel(
            "timeseries",
            "Share of page views under (other), by day",
            f"""
SELECT window_start AS time, dimension,
       sumIf(hits, value = '(other)') / nullIf(sum(hits), 0) AS share
FROM analytics.segment_breakdown_daily
WHERE {CHOSEN} AND segment = 'view' AND dimension IN ('page', 'referrer', 'country', 'browser')
GROUP BY window_start, dimension ORDER BY window_start, dimension""",  # noqa: S608
            unit="percentunit",
        ),
        Panel(
            "timeseries",
            "People's hits in no segment that could be shown",
            f"""
SELECT window_start AS time, sum(whole) - sum(parts) AS hits
FROM (
    SELECT window_start, hits AS whole, 0 AS parts FROM analytics.traffic_daily
    WHERE {CHOSEN} AND audience = 'human'
    UNION ALL
    SELECT window_start, 0 AS whole, hits AS parts FROM analytics.segment_daily
    WHERE {CHOSEN} AND segment != 'bot'
)
GROUP BY window_start HAVING sum(whole) > 0
ORDER BY window_start""",  # noqa: S608
            "A day's traffic less its segments: what could be counted and not be told apart.",
        ),
        Panel(
            "table",
            "How fresh it is",
            f"""
SELECT 'hour' AS window, max(window_start) AS newest, max(released_at) AS "last came in"
FROM analytics.traffic_hourly_revisions WHERE {SITE}
UNION ALL
SELECT 'day', max(window_start), max(released_at)
FROM analytics.traffic_daily_revisions WHERE {SITE}
UNION ALL
SELECT 'day, two things at a time', max(window_start), max(released_at)
FROM analytics.pair_daily_revisions WHERE {SITE}""",  # noqa: S608
            "Whatever time is chosen above.",
            height=6,
        ),
        Panel(
            "table",
            "Ingests",
            f"""
SELECT ingest, uniqExact(window_start) AS days, min(window_start) AS first,
       max(window_start) AS last, sum(hits) AS hits
FROM analytics.traffic_daily_revisions FINAL
WHERE {SITE} AND {WHEN}
GROUP BY ingest ORDER BY ingest""",  # noqa: S608
            "live, and the old files that were loaded.",
            height=6,
        ),
        hidden(_SEEN, height=7),
    ),
)
