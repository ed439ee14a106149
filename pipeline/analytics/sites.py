"""The sites that there are numbers of, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.analytics import words
from pipeline.clickhouse.queries import QueryFn
from pipeline.errors import UsageError

_SHOWN: Final = 8
_NOTHING: Final = "site: nothing has been released yet; `partywall status` says why"


@dataclass(frozen=True, slots=True)
class Site:
    """A site, with the first and the newest day that has been released of it."""

    name: str
    first: str
    last: str


def sites(run: QueryFn) -> list[Site]:
    """Return the sites by name; raises as ``run`` does."""
    rows = run(
        "SELECT site, toString(toDate(min(first))) AS first_day, "
        "toString(toDate(max(last))) AS last_day FROM ("
        "SELECT site, min(window_start) AS first, max(window_start) AS last "
        "FROM analytics.traffic_hourly_revisions GROUP BY site UNION ALL "
        "SELECT site, min(window_start) AS first, max(window_start) AS last "
        "FROM analytics.traffic_daily_revisions GROUP BY site UNION ALL "
        # before the first hour of a site has closed there are its steps of minutes
        "SELECT site, min(window_start) AS first, max(window_start) AS last "
        "FROM analytics.health_minute_revisions GROUP BY site"
        ") AS t GROUP BY site ORDER BY site"
    )
    return [Site(str(r["site"]), str(r["first_day"]), str(r["last_day"])) for r in rows]


def known_site(run: QueryFn, name: str) -> str:
    """Return the name of a site that something was released of; raises UsageError for others."""
    names = [site.name for site in sites(run)]
    if name in names:
        return name
    if not names:
        raise UsageError(_NOTHING)
    raise UsageError(f"site: nothing has been released of {name}; there are {_some(names)}")


def only_site(run: QueryFn, *, widget: bool) -> str:
    """Return the one site that is there, of widgets where ``widget``; raises UsageError."""
    names = [site.name for site in sites(run)]
    found = [name for name in names if words.is_widget(name) is widget]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(_NOTHING)
    raise UsageError(f"site: choose one with --site: {_some(found)}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
