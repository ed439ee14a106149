"""Questions about goals: those that are pages, those that are events, and the rate of conversion.

Goals that are pages are values of a dimension, counted like all others. A goal that is events is
asked for at the site's widget.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pipeline.analytics import asking, conversion, event_goals, words
from pipeline.analytics.aim import check_beside_conversions
from pipeline.analytics.answer import Answer
from pipeline.analytics.event_goals import Events
from pipeline.analytics.query import Filter, Query
from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock
from pipeline.errors import UsageError
from pipeline.policy import Crossings
from pipeline.settings import NO_GOALS, Goals
from pipeline.zones import ALL_UTC, Zones


def ask(
    run: QueryFn,
    query: Query,
    *,
    clock: Clock,
    k: int,
    retention_days: int,
    crossings: Crossings = words.CROSSINGS,
    goals: Goals = NO_GOALS,
    zones: Zones = ALL_UTC,
) -> Answer:
    """Answer ``query`` by asking ``run``; ``goals`` are those of the settings.

    All else is as ``asking.ask`` says.
    """
    plain = partial(
        asking.ask, run, clock=clock, k=k, retention_days=retention_days, crossings=crossings,
        zones=zones,
    )  # fmt: skip
    events = {name: goal.event for name, goal in goals.get(query.site, {}).items() if goal.event}
    rating = words.CONVERSION_RATE in query.metrics
    if rating:
        conversion.check(query)
    counted = replace(query, metrics=conversion.counted(query.metrics))
    asked = _translated(counted, events)
    found = plain(asked)
    if asked is not counted:
        found = replace(found, notes=(*found.notes, event_goals.NOTE))
    elif counted.dimensions == (words.GOAL,) and words.CONVERSIONS in counted.metrics:
        found = event_goals.added(plain, counted, events, found)
    if rating:
        found = conversion.rated(plain, query, asked, events, found)
    return replace(
        found,
        site=query.site,
        metrics=query.named(query.metrics),
        dimensions=query.named(query.dimensions),
    )


def _translated(query: Query, events: Events) -> Query:
    """Return a question of one goal that is events as one of the site's widget."""
    of_goals = [one for one in query.filters if one.dimension == words.GOAL]
    mine = {value for one in of_goals for value in one.values} & events.keys()
    if not mine or query.dimensions == (words.GOAL,):
        return query
    if len(of_goals) > 1 or of_goals[0].operator != "is" or len(of_goals[0].values) > 1:
        raise UsageError(f"filters: {min(mine)} is a goal of events; filter it alone, with is")
    others = (one for one in query.filters if one.dimension != words.GOAL)
    asked = replace(
        query,
        site=query.site + words.WIDGET,
        filters=(*others, Filter("is", "event", events[mine.pop()])),
    )
    if words.CONVERSIONS not in query.metrics:
        return asked
    check_beside_conversions(query.metrics)
    return replace(
        asked,
        metrics=tuple(_of_widget(metric) for metric in query.metrics),
        order=tuple((_of_widget(name), down) for name, down in query.order),
    )


def _of_widget(name: str) -> str:
    return "hits" if name == words.CONVERSIONS else name
