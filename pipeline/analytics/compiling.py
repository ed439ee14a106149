# ruff: noqa: S608 -- conditions.py puts texts of others into SQL, as literals; here are ours alone
"""Parts of a question into one SELECT: its rows, or the facts that its empty cells are judged by.

``scanning`` reads the tables; what it finds is put together here, sorted and cut into pages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.analytics import quantiles, words
from pipeline.analytics.part import Part
from pipeline.analytics.query import Query
from pipeline.analytics.ranges import Days
from pipeline.analytics.scanning import base, scan
from pipeline.clickhouse.sql import literal
from pipeline.labels import WIDGET_SUFFIX
from pipeline.zones import Zones

_ONE: Final = dt.timedelta(days=1)
SUMS: Final = (
    "visits", "judged", "bounces", "seconds", "exits", "views", "begun_views", "exit_views",
    "told", "told_begun", "told_exits", "all",
)  # fmt: skip
"""What a part of roles comes to: sums over the days of which the roles are told."""
ENOUGH: Final = 0.5
"""Of the page views there are, the share that must be told of."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days of a question, and the day from which on hours stand in for days."""

    days: Days
    open_from: dt.date


def rows(
    query: Query,
    found: tuple[Part, ...],
    span: Span,
    offset: int,
    only: Sequence[tuple[str, ...]] | None = None,
) -> str:
    """Return the SELECT of a page of rows: keys, sums, and how many cells each sum is of.

    ``only``: not a page, but the rows of these values.
    """
    keys = list(query.dimensions)
    merged = _merged(found, span, query, keys, facts=False)
    count = " + ".join(_counted(part) for part in found)
    having = f"({_shown(query, count)})"
    page = f" LIMIT {query.limit + 1} OFFSET {offset}"
    if only is not None:
        listed = ", ".join(f"({', '.join(literal(v) for v in values)})" for values in only)
        having += f" AND ({', '.join(_alias(keys, key) for key in keys)}) IN ({listed})"
        page = ""
    return (
        f"SELECT * FROM ({merged} HAVING {having}) AS merged "
        f"ORDER BY {', '.join(_order(query, found))}{page}"
    )


def facts(query: Query, found: tuple[Part, ...], span: Span, *, by_time: bool) -> str:
    """Return the SELECT of sums with what their empty cells are judged by.

    One row for all of the question, or with ``by_time`` one a window of time.
    """
    keys = list(query.times) if by_time else []
    merged = _merged(found, span, query, keys, facts=True)
    return f"{merged} ORDER BY {', '.join(_alias(keys, key) for key in keys)}" if keys else merged


def known(site: str, zones: Zones) -> str:
    """Return the SELECT of how far the site's tables reach, and the newest day of all sites.

    Of all whose day ends with that of ``site``: elsewhere the same date may be over before.
    """
    here = f"WHERE site = {literal(site)}"
    looked_for = {
        "first_day": ("min", "traffic_daily", here),
        "last_day": ("max", "traffic_daily", here),
        "first_hour": ("min", "traffic_hourly", here),
        "last_hour": ("max", "traffic_hourly", here),
        "newest_day": ("max", "traffic_daily", _alike(zones.of(site), zones)),
    }
    return "SELECT " + ", ".join(
        f"(SELECT toString({end}(window_start)) FROM {base(table)} {where}) AS {name}"
        for name, (end, table, where) in looked_for.items()
    )


def _alike(zone: str, zones: Zones) -> str:
    """Return the condition that chooses the sites of a zone, with their widgets."""
    usual = zone == zones.usual
    named = [site for site, its in zones.by_site.items() if (its == zone) is not usual]
    if usual and not named:
        return ""
    listed = ", ".join(literal(name) for site in named for name in (site, site + WIDGET_SUFFIX))
    return f"WHERE site {'NOT IN' if usual else 'IN'} ({listed})"


def _merged(
    found: tuple[Part, ...], span: Span, query: Query, keys: list[str], *, facts: bool
) -> str:
    columns = [name for part in found for name in _names(part, facts=facts)]
    scans = [
        scan for part in found for scan in _scans(part, span, query, keys, columns, facts=facts)
    ]
    aliases = [f"k{number}" for number in range(len(keys))]
    sums = [f"sum(u.{name}) AS {name}" for name in columns]
    groups = f" GROUP BY {', '.join(aliases)}" if aliases else ""
    listed = ", ".join([*(f"u.{alias} AS {alias}" for alias in aliases), *sums])
    return f"SELECT {listed} FROM ({' UNION ALL '.join(scans)}) AS u{groups}"


def _scans(
    part: Part, span: Span, query: Query, keys: list[str], columns: list[str], *, facts: bool
) -> list[str]:
    """Return the scans of a part: of the days that are closed, and of the hours after them."""
    first, end = span.days.first, span.days.last + _ONE
    if "time:hour" in query.dimensions:
        return [scan(part, query, keys, columns, "hourly", first, end, facts=facts)]
    border = min(max(span.open_from, first), end)
    found = []
    if first < border or not part.hourly:
        found.append(scan(part, query, keys, columns, "daily", first, border, facts=facts))
    if border < end and part.hourly:
        found.append(
            scan(part, query, keys, columns, "hourly", border, end, facts=facts, part_day=True)
        )
    return found


def _names(part: Part, *, facts: bool) -> list[str]:
    if part.roles:
        own = list(SUMS)
    elif part.classes:
        own = ["cells", *part.scale.counted, "rest"]
    else:
        own = ["cells"]
        for metric, _ in part.columns:
            own += [metric, f"{metric}_cells"]
    if facts:
        own += ["folded", "windows"]
    return [f"{part.name}_{name}" for name in own]


def _counted(part: Part) -> str:
    return f"{part.name}_all" if part.roles else f"{part.name}_cells"


def _shown(query: Query, count: str) -> str:
    """Return which rows are listed: of the pages that visits begin or end with, those with some."""
    for path, count_of, told in (
        ("entry_page", "visits", "told_begun"),
        ("exit_page", "exits", "told_exits"),
    ):
        if path in query.dimensions:
            return f"v_{count_of} > 0 AND {_told(told)}"
    return f"{count} > 0"


def _order(query: Query, found: tuple[Part, ...]) -> list[str]:
    keys = {name: f"k{number}" for number, name in enumerate(query.dimensions)}
    order = query.order
    if not order:
        first = query.metrics[0]
        order = (*((name, False) for name in query.times), (first, True))
    last = [f"{keys[d]} = '(other)'" for d in query.dimensions if d not in words.TIMES]
    sorted_by = []
    for name, down in order:
        sql = keys.get(name) or measured(name, found, query)
        sorted_by.append(f"{sql} DESC" if down else sql)
    ordered_times = [item for item in sorted_by if item.partition(" ")[0] in _time_keys(keys)]
    others = [item for item in sorted_by if item not in ordered_times]
    return [*ordered_times, *last, *others, *keys.values()]


def _time_keys(keys: dict[str, str]) -> set[str]:
    return {alias for name, alias in keys.items() if name in words.TIMES}


def measured(metric: str, found: tuple[Part, ...], query: Query) -> str:
    """Return a metric as SQL over the sums, NULL where it is not known."""
    part = next(p for p in found if p.has(metric))
    if part.classes:
        return quantiles.sorted_by(metric, part)
    if not part.roles:
        return f"if({part.name}_{metric}_cells > 0, {part.name}_{metric}, NULL)"
    top, bottom, told = formula(metric, query)
    known = f"{_told(told)} AND v_{bottom} > 0" if bottom else _told(told)
    return f"if({known}, v_{top}{f' / v_{bottom}' if bottom else ''}, NULL)"


def _told(told: str) -> str:
    return f"v_{told} > 0 AND v_{seen(told)} >= {ENOUGH} * v_all"


def seen(told: str) -> str:
    """Return which sum holds the page views of the days that ``told`` counts."""
    return {"told_exits": "exit_views", "told_begun": "begun_views"}.get(told, "views")


def formula(metric: str, query: Query) -> tuple[str, str | None, str]:
    """Return numerator, denominator (None: a count) and what says on how many days it is known."""
    if metric == "visits" and "exit_page" in (
        *query.dimensions, *(one.dimension for one in query.filters)
    ):  # fmt: skip
        metric = "exits"
    return {
        "visits": ("visits", None, "told_begun"),
        "entries": ("visits", None, "told_begun"),
        "bounces": ("bounces", None, "told"),
        "views_per_visit": ("begun_views", "visits", "told_begun"),
        "bounce_rate": ("bounces", "judged", "told"),
        "visit_duration": ("seconds", "judged", "told"),
        "exits": ("exits", None, "told_exits"),
        "exit_rate": ("exits", "exit_views", "told_exits"),
    }[metric]


def _alias(keys: list[str], key: str) -> str:
    return f"k{keys.index(key)}"
