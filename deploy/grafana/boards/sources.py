"""How people came, where they went, where they left."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panel import CHOSEN, WEB_SITES, Board, Panel, hidden, values


def _visits_by(dimension: str, name: str, title: str, width: int = 8) -> Panel:
    """Return a table of visits by what their first page view came with.

    A value whose bounces or entries are in (other) on a day is shown with the rest of that day,
    and a rate only where both are known on every day it has.
    """
    sql = f"""
SELECT value AS "{name}", sum(started) AS visits,
       if(min(known) = 1, sum(bounced) / sum(started), NULL) AS "bounce rate"
FROM (
    SELECT window_start, value, sumIf(hits, across_value = 'bounce') AS bounced,
           sumIf(hits, across_value IN ('bounce', 'entry')) AS started,
           uniqExactIf(across_value, across_value IN ('bounce', 'entry')) = 2
               OR countIf(across_value = '(other)') = 0 AS known
    FROM analytics.pair_daily
    WHERE {CHOSEN} AND segment = 'view' AND dimension = '{dimension}' AND across = 'role'
    GROUP BY window_start, value
)
GROUP BY value HAVING visits > 0
ORDER BY value = '(other)', visits DESC, value
LIMIT 100"""  # noqa: S608 - words of this folder
    about = "Visits that began so. At least so many: some of a day's may be in (other)."
    return Panel("table", title, sql, about, width, units=(("bounce rate", "percentunit"),))


def _ends(title: str, roles: str, name: str, alone: str) -> Panel:
    sql = f"""
SELECT value AS page, sumIf(hits, across_value IN ({roles})) AS "{name}",
       sumIf(hits, across_value = 'bounce') AS "{alone}"
FROM analytics.pair_daily
WHERE {CHOSEN} AND segment = 'view' AND dimension = 'page' AND across = 'role'
  AND across_value IN ({roles})
GROUP BY value
ORDER BY value = '(other)', "{name}" DESC, value
LIMIT 100"""  # noqa: S608 - words of this folder
    about = "Pages whose roles could be shown. At least so many: some may be in (other)."
    return Panel("table", title, sql, about)


BOARD: Final = Board(
    "sources",
    "Partywall: sources and pages",
    "Referrers and campaigns, entry pages, what is read next, exit pages.",
    WEB_SITES,
    (
        Panel(
            "timeseries",
            "Visits by channel",
            f"""
SELECT window_start AS time, value AS channel, sum(hits) AS visits
FROM analytics.pair_daily
WHERE {CHOSEN} AND segment = 'view' AND dimension = 'referrer_kind' AND across = 'role'
  AND across_value IN ('bounce', 'entry')
GROUP BY window_start, value ORDER BY window_start, value""",  # noqa: S608
            "A channel that is missing on a day is withheld or had none; it is not drawn as zero.",
            width=24,
            stacked=True,
        ),
        _visits_by("referrer_kind", "channel", "Channels"),
        _visits_by("referrer", "referrer", "Referrers"),
        _visits_by("campaign", "campaign", "Campaigns"),
        _ends("Entry pages", "'bounce', 'entry'", "entries", "of these the only page"),
        _ends("Exit pages", "'bounce', 'exit'", "exits", "of these the only page"),
        Panel(
            "table",
            "Next pages",
            f"""
SELECT value AS page, across_value AS "next page", sum(hits) AS moves
FROM analytics.pair_daily
WHERE {CHOSEN} AND segment = 'view' AND dimension = 'page' AND across = 'next_page'
GROUP BY value, across_value
ORDER BY across_value = '(other)', moves DESC, value, across_value
LIMIT 200""",  # noqa: S608
            "The page that was seen right after, in the same visit.",
        ),
        values("view", "page", "page", "page views", "Pages"),
        Panel(
            "bargauge",
            "Length of visits",
            f"""
SELECT across_value AS length, sum(hits) AS visits
FROM analytics.pair_daily
WHERE {CHOSEN} AND segment = 'view' AND dimension = 'segment' AND across = 'visit_length'
GROUP BY across_value
ORDER BY indexOf(['0-10 s', '11-30 s', '31-60 s', '1-3 min', '3-10 min', '10-30 min', '30+ min',
                  '(other)'], across_value)""",  # noqa: S608
            "From the first to the last page view of visits of several pages.",
        ),
        Panel(
            "table",
            "Pages by channel",
            f"""
SELECT value AS page, across_value AS channel, sum(hits) AS "page views",
       sum(visitors) AS "visitor-days"
FROM analytics.pair_daily
WHERE {CHOSEN} AND segment = 'view' AND dimension = 'page' AND across = 'referrer_kind'
GROUP BY value, across_value
ORDER BY across_value = '(other)', "page views" DESC, value, across_value
LIMIT 200""",  # noqa: S608
        ),
        hidden(),
    ),
)
