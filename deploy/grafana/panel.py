"""What a dashboard is made of: panels by kind, each with one query against the released views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["stat", "timeseries", "table", "bargauge", "text"]
"""Grafana's names of the panels that are used."""

SITE: Final = "site = ${site:sqlstring}"
"""The site that was chosen, quoted by Grafana: a value from the address bar stays a value."""

WHEN: Final = "$__timeFilter(window_start)"
CHOSEN: Final = f"{SITE} AND {WHEN}"

WEB_SITES: Final = (
    "SELECT DISTINCT site FROM (SELECT site FROM analytics.traffic_hourly "
    "UNION ALL SELECT site FROM analytics.traffic_daily) "
    "WHERE NOT endsWith(site, '.widget') ORDER BY site"
)
WIDGET_SITES: Final = WEB_SITES.replace("NOT endsWith", "endsWith")

HIDDEN: Final = (
    "Every number stands for at least *k* visitors of its day. What fewer had is counted in "
    "**(other)**, with as much beside it as hides it; what even **(other)** cannot hide is "
    "**withheld** and stands nowhere. So a missing number is not zero: a gap in a curve or an "
    "empty field means *withheld*, *not closed yet* (today, and the hours of lateness) or "
    "*expired*, and a named row may be less than all of its kind. Visitors are pseudonyms of one "
    "day: over several days they add up to **visitor-days**, never to people."
)


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; ``width`` of 24 columns, ``height`` in rows of 30 pixels, ``sql`` empty for text.

    ``unit`` is Grafana's id of one; ``units`` names columns that have another.
    """

    kind: Kind
    title: str
    sql: str
    about: str = ""
    width: int = 12
    height: int = 8
    unit: str = "short"
    units: tuple[tuple[str, str], ...] = ()
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: file name, title, the query of its sites (None where it shows them all)."""

    name: str
    title: str
    about: str
    sites: str | None
    panels: tuple[Panel, ...]


def hidden(more: str = "", height: int = 5) -> Panel:
    """Return the text panel that says what is not shown, and why."""
    return Panel("text", "What is not shown", "", HIDDEN + more, width=24, height=height)


def values(
    segment: str, dimension: str, name: str, hits: str, title: str, width: int = 12
) -> Panel:
    """Return a table of a dimension's values of a segment, most visitor-days first."""
    sql = f"""
SELECT value AS "{name}", sum(visitors) AS "visitor-days", sum(hits) AS "{hits}"
FROM analytics.segment_breakdown_daily
WHERE {CHOSEN} AND segment = '{segment}' AND dimension = '{dimension}'
GROUP BY value
ORDER BY value = '(other)', "visitor-days" DESC, value
LIMIT 100"""  # noqa: S608 - words of this folder
    return Panel("table", title, sql, width=width)
