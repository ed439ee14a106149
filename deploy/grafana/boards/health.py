"""What was answered, what failed, and how much was sent."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panel import CHOSEN, WEB_SITES, Board, Panel, hidden, values

_SHARE: Final = f"""
SELECT window_start AS time, failed / asked AS "failed share"
FROM (
    SELECT window_start, sum(hits) AS failed FROM analytics.segment_daily
    WHERE {CHOSEN} AND segment = 'failed' GROUP BY window_start
) AS f
JOIN (
    SELECT window_start, sum(hits) AS asked FROM analytics.traffic_daily
    WHERE {CHOSEN} AND audience = 'human' GROUP BY window_start
) AS t USING (window_start)
ORDER BY window_start"""  # noqa: S608 - words of this folder

BOARD: Final = Board(
    "health",
    "Partywall: health",
    "Statuses, failed pages and bytes of a site.",
    WEB_SITES,
    (
        Panel(
            "timeseries",
            "Failed share of people's requests",
            _SHARE,
            "Requests answered with 400 or more, of all that people's clients asked for. A day "
            "whose failures are withheld has no point.",
            unit="percentunit",
        ),
        Panel(
            "timeseries",
            "Failed requests by hour",
            f"""
SELECT window_start AS time, sum(hits) AS failed, sum(visitors) AS visitors
FROM analytics.segment_hourly
WHERE {CHOSEN} AND segment = 'failed'
GROUP BY window_start ORDER BY window_start""",  # noqa: S608
            "Hours that could be shown; a gap is not zero.",
        ),
        Panel(
            "timeseries",
            "Statuses by day",
            f"""
SELECT window_start AS time, value AS status, sum(hits) AS hits
FROM analytics.breakdown_daily
WHERE {CHOSEN} AND dimension = 'status'
GROUP BY window_start, value ORDER BY window_start, value""",  # noqa: S608
            "People and bots.",
            stacked=True,
        ),
        Panel(
            "timeseries",
            "Response times by day",
            f"""
SELECT window_start AS time, value AS "within", sum(hits) AS hits
FROM analytics.segment_breakdown_daily
WHERE {CHOSEN} AND segment != 'bot' AND dimension = 'response_time' AND value != '(none)'
GROUP BY window_start, value ORDER BY window_start, value""",  # noqa: S608
            "People's requests by how long they took, of logs that say so. Of what is in (other) "
            "nobody knows.",
            stacked=True,
        ),
        Panel(
            "timeseries",
            "Bytes sent by day",
            f"""
SELECT window_start AS time, segment, sum(bytes) AS bytes
FROM analytics.segment_daily
WHERE {CHOSEN}
GROUP BY window_start, segment ORDER BY window_start, segment""",  # noqa: S608
            "Bodies sent, by what was asked for.",
            unit="bytes",
            stacked=True,
        ),
        Panel(
            "timeseries",
            "Live: requests a minute by class of answer",
            f"""
SELECT window_start AS time, concat(segment, ' ', status_class) AS what, hits / minutes AS requests
FROM analytics.health_minute
WHERE {CHOSEN}
ORDER BY window_start, what""",  # noqa: S608
            "Steps of minutes of live traffic, each at its start. A step is told once k visitors "
            "are in it and k others have come after it in its hour, so the fewer come, the longer "
            "it is; the end of an hour is told with the hour. Choose the last hour above.",
            width=24,
        ),
        Panel(
            "timeseries",
            "Live: how long answers to page views took",
            f"""
SELECT window_start AS time, response_time AS took, sum(hits) / any(minutes) AS requests
FROM analytics.response_time_minute
WHERE {CHOSEN} AND segment = 'view' AND status_class = '2xx' AND response_time != '(none)'
GROUP BY window_start, response_time ORDER BY window_start, response_time""",  # noqa: S608
            "Requests a minute of each step, by ranges of classes that k visitors are in and k "
            "others came after: the fewer come, the wider a range. The slowest has no end.",
            stacked=True,
            width=24,
        ),
        values("failed", "page", "page", "requests", "Failed pages"),
        values("failed", "status", "status", "requests", "Statuses of what failed"),
        values("failed", "referrer", "referrer", "requests", "Where failed requests came from"),
        values("bot", "status", "status", "requests", "Statuses that bots met"),
        values("request", "page", "what", "requests", "Assets, downloads, redirects"),
        values("bot", "suspicion", "suspicion", "requests", "Why bots were taken for bots"),
        hidden(),
    ),
)
