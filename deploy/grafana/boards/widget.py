"""How far people go in the chat widget."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panel import CHOSEN, WIDGET_SITES, Board, Panel, hidden, values

STEPS: Final = ("loaded", "shown", "opened", "chat_requested", "chat_started", "message_sent")
"""Events in the order in which a visitor meets them; the rest are ways out of it."""

_LIST: Final = ", ".join(f"'{step}'" for step in STEPS)


def _pair(across: str, name: str, title: str) -> Panel:
    sql = f"""
SELECT value AS event, across_value AS "{name}", sum(visitors) AS "visitor-days",
       sum(hits) AS events
FROM analytics.pair_daily
WHERE {CHOSEN} AND segment = 'request' AND dimension = 'event' AND across = '{across}'
GROUP BY value, across_value
ORDER BY across_value = '(other)', events DESC, value, across_value
LIMIT 200"""  # noqa: S608 - words of this folder
    return Panel("table", title, sql)


BOARD: Final = Board(
    "widget",
    "Partywall: widget funnel",
    "Events of a chat widget, from loaded to the first message.",
    WIDGET_SITES,
    (
        Panel(
            "bargauge",
            "Funnel",
            f"""
SELECT value AS event, sum(visitors) AS "visitor-days"
FROM analytics.segment_breakdown_daily
WHERE {CHOSEN} AND segment = 'request' AND dimension = 'event' AND value IN ({_LIST})
GROUP BY value ORDER BY indexOf([{_LIST}], value)""",  # noqa: S608
            "Visitor-days that met each event, whatever they met before. A step that is missing is "
            "withheld on every day, or nobody met it.",
        ),
        Panel(
            "timeseries",
            "Funnel by day",
            f"""
SELECT window_start AS time, value AS event, sum(visitors) AS visitors
FROM analytics.segment_breakdown_daily
WHERE {CHOSEN} AND segment = 'request' AND dimension = 'event' AND value IN ({_LIST})
GROUP BY window_start, value ORDER BY window_start, value""",  # noqa: S608
        ),
        values("request", "event", "event", "events", "Events"),
        values("request", "detail", "detail", "events", "Details: ratings, errors, who wrote"),
        _pair("page", "page", "Events by page"),
        _pair("referrer_kind", "channel", "Events by channel"),
        _pair("country", "country", "Events by country"),
        _pair("locale", "language", "Events by language"),
        values("request", "widget_version", "version", "events", "Versions"),
        values("request", "screen", "screen", "events", "Screens"),
        hidden(),
    ),
)
