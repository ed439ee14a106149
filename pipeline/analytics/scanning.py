# ruff: noqa: S608 -- conditions.py puts texts of others into SQL, as literals; here are ours alone
"""One part as SQL: the newest revision of its cells, summed by what is grouped by.

Ingests add up, as in the views. The newest revision is taken by ``argMax`` and not by FINAL, which
merges the parts on disk in the order of the whole key, and takes twice the time where a month has
several.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from pipeline.analytics import quantiles
from pipeline.analytics.part import Part
from pipeline.analytics.query import Query
from pipeline.clickhouse.sql import literal

_NOTHING: Final = "toUInt64(0)"
TIME: Final = {
    "time:hour": "toString(window_start)",
    "time:day": "toString(toDate(window_start))",
    "time:week": "toString(toMonday(window_start))",
    "time:month": "toString(toStartOfMonth(window_start))",
}
BEGAN: Final = "bounce or entry"
_ROLES: Final = {"entry": BEGAN, "bounce": BEGAN, "exit": "between or exit"}
"""Role → the name under which it stands together with another where it is not shown alone."""
_KEYS: Final = {
    "traffic": ("audience",),
    "segment": ("segment",),
    "segment_breakdown": ("segment", "value"),
    "pair": ("segment", "value", "across_value"),
}
"""What tells the cells of one breakdown of a site apart, besides window and ingest."""


def scan(
    part: Part,
    query: Query,
    keys: list[str],
    columns: list[str],
    pace: str,
    first: dt.date,
    end: dt.date,
    *,
    facts: bool,
    part_day: bool = False,
) -> str:
    """Return the scan of a part over the windows from ``first`` until before ``end``.

    It selects ``k0``, ``k1``, … for ``keys`` and every one of ``columns``, those of other parts as
    nothing. ``facts``: over all values, of which those picked are summed. ``part_day``: hours that
    stand in for days.
    """
    own = dict(part.keys) | {name: TIME[name] for name in query.times}
    picked = " AND ".join(f"({condition})" for condition in part.chosen) or "1"
    where = [
        f"site = {literal(query.site)}",
        *part.where,
        f"window_start >= '{first} 00:00:00'",
        f"window_start < '{end} 00:00:00'",
        *([] if facts else part.chosen),
    ]
    table = _newest(part, pace, where)
    cond = picked if facts else "1"
    if part.roles:
        values = _role_values(part)
        source = _roles(table, [own[key] for key in keys], cond, part.folded)
        selected = [f"r.k{number} AS k{number}" for number in range(len(keys))]
    else:
        values = (
            quantiles.sums(part, cond) if part.classes else _values(part, cond, part_day=part_day)
        )
        source = f"{table} AS r"
        selected = [f"toString({own[key]}) AS k{number}" for number, key in enumerate(keys)]
    if facts:
        values |= _judging(part)
    selected += [f"{values.get(column, _NOTHING)} AS {column}" for column in columns]
    groups = ", ".join(f"k{number}" for number in range(len(keys)))
    return f"SELECT {', '.join(selected)} FROM {source}" + (f" GROUP BY {groups}" if groups else "")


def _values(part: Part, cond: str, *, part_day: bool) -> dict[str, str]:
    """Return the sums of a plain part; an open day's visitors are not its hours' added up."""
    values = {f"{part.name}_cells": f"countIf({cond})"}
    for metric, column in part.columns:
        if metric == "visitors" and part_day:
            continue
        values[f"{part.name}_{metric}"] = f"sumIf({column}, {cond})"
        values[f"{part.name}_{metric}_cells"] = f"countIf({cond})"
    return values


def _roles(table: str, keys: list[str], cond: str, folded: str) -> str:
    """Return a scan by day and value with the hits of each role.

    What a value's roles hold that is not shown stands under ``(other)``, or under the name of two
    roles together: where there is none, a role without a cell is 0; where there is one, it is not
    known. By ingest, since each folds by itself.
    """
    parts = [f"{key} AS k{number}" for number, key in enumerate(keys)]
    listed = [
        *parts,
        "window_start AS window",
        f"countIf(({cond}) AND across_value = '(other)') AS rest",
        f"countIf({folded}) AS folded_cells",
        f"sumIf(hits, {cond}) AS all_hits",
        f"sumIf(seconds, ({cond}) AND across_value = 'entry') AS entry_seconds",
    ]
    for role, together in _ROLES.items():
        here = f"({cond}) AND across_value = '{role}'"
        within = f"countIf(({cond}) AND across_value = '{together}')"
        listed.append(f"sumIf(hits, {here}) AS {role}_hits")
        listed.append(
            f"(countIf({here}) > 0 OR rest + {within} = 0) AND countIf({cond}) > 0 AS {role}_told"
        )
    begun = f"({cond}) AND across_value = '{BEGAN}'"
    listed.append(f"sumIf(hits, {begun}) + entry_hits + bounce_hits AS begun_hits")
    listed.append(f"countIf({begun}) > 0 OR (entry_told AND bounce_told) AS begun_told")
    groups = ", ".join(
        [*(f"k{number}" for number in range(len(keys))), "value", "window", "ingest"]
    )
    return f"(SELECT {', '.join(listed)} FROM {table} AS c GROUP BY {groups}) AS r"


def _role_values(part: Part) -> dict[str, str]:
    begun, ended = "entry_told AND bounce_told", "exit_told AND bounce_told"
    values = {
        "visits": "sumIf(begun_hits, begun_told)",
        "begun_views": "sumIf(all_hits, begun_told)",
        "told_begun": "countIf(begun_told)",
        "judged": f"sumIf(entry_hits + bounce_hits, {begun})",
        "bounces": f"sumIf(bounce_hits, {begun})",
        "seconds": f"sumIf(entry_seconds, {begun})",
        "views": f"sumIf(all_hits, {begun})",
        "exits": f"sumIf(exit_hits + bounce_hits, {ended})",
        "exit_views": f"sumIf(all_hits, {ended})",
        "told": f"countIf({begun})",
        "told_exits": f"countIf({ended})",
        "all": "sum(all_hits)",
    }
    return {f"{part.name}_{name}": sql for name, sql in values.items()}


def _judging(part: Part) -> dict[str, str]:
    if part.roles:
        folded, day = "sum(folded_cells)", "window"
    else:
        folded, day = f"countIf({part.folded})", "toDate(window_start)"
    return {f"{part.name}_folded": folded, f"{part.name}_windows": f"uniqExact({day})"}


def _newest(part: Part, pace: str, where: list[str]) -> str:
    """Return the cells of a part, each as its newest revision has it."""
    keys = [*_KEYS[part.table], "window_start", "ingest"]
    summed = {"hits", "seconds"} if part.roles else {column for _, column in part.columns}
    listed = [
        *(f"c.{key} AS {key}" for key in keys),
        *(f"argMax(c.{column}, c.revision) AS {column}" for column in sorted(summed)),
    ]
    conditions = " AND ".join(f"({condition})" for condition in where)
    table = base(f"{part.table}_{pace}")
    groups = ", ".join(f"c.{key}" for key in keys)
    return f"(SELECT {', '.join(listed)} FROM {table} AS c WHERE {conditions} GROUP BY {groups})"


def base(table: str) -> str:
    """Return the name of the table with every revision."""
    return f"analytics.{table}_revisions"
