"""What was unusual on the newest closed day of a site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from pipeline.clickhouse.queries import QueryFn
from pipeline.digest import rule
from pipeline.digest.rule import Unusual
from pipeline.digest.series import Days, Series, newest, read
from pipeline.digest.weeks import DAYS

N = TypeVar("N", int, float)
Metric = Literal["page_views", "failed_share", "bots"]
PAST: Final = dt.timedelta(days=DAYS * rule.MOST_WEEKS)
"""How far back a day is compared."""
NAMES: Final[dict[Metric, str]] = {
    "page_views": "page views",
    "failed_share": "failed share of requests",
    "bots": "requests of bots",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """An unusual number of a site's day."""

    site: str
    day: dt.date
    metric: Metric
    found: Unusual


def alerts(query: QueryFn, site: str, k: int, day: dt.date | None = None) -> tuple[Alert, ...]:
    """Return what was unusual on a day, the newest closed unless named; raises as ``query``."""
    day = day or newest(query, site)
    if day is None:
        return ()
    first = day - PAST
    return judged(site, day, read(query, site, first, day), k)


def judged(site: str, day: dt.date, series: Series, k: int) -> tuple[Alert, ...]:
    """Return the alerts of a day; days that are not shown take no part."""
    shares = {
        at: failed / series.asked[at]
        for at, failed in series.failed.items()
        if series.asked.get(at, 0) >= failed > 0
    }
    found: dict[Metric, Unusual | None] = {
        "page_views": _count(series.page_views, day, k),
        "failed_share": rule.share(shares[day], series.asked[day], _past(shares, day), k)
        if day in shares
        else None,
        "bots": _count(series.bots, day, k),
    }
    return tuple(Alert(site, day, name, it) for name, it in found.items() if it is not None)


def _count(days: Days, day: dt.date, k: int) -> Unusual | None:
    return rule.count(days[day], _past(days, day), k) if day in days else None


def _past(days: Mapping[dt.date, N], day: dt.date) -> list[N]:
    """Return the same weekday of the weeks before, as far as it is shown."""
    before = (day - dt.timedelta(days=DAYS * n) for n in range(1, rule.MOST_WEEKS + 1))
    return [days[at] for at in before if at in days]


def sentence(alert: Alert) -> str:
    """Say an alert in one line."""
    value, usual = alert.found.value, alert.found.usual
    shown = f"{value:.1%}" if alert.metric == "failed_share" else f"{value:,.0f}"
    often = f"{usual:.1%}" if alert.metric == "failed_share" else f"{usual:,.0f}"
    return (
        f"{alert.site}, {alert.day:%A %d %B}: {NAMES[alert.metric]} {shown}, where {often} is "
        f"usual (median of {alert.found.weeks} weeks)"
    )
