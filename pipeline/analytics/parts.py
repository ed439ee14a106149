"""Where the numbers of a question come from: one scan of one table for each part."""

from __future__ import annotations

from pipeline.analytics import words
from pipeline.analytics.aim import Aim
from pipeline.analytics.part import Part
from pipeline.analytics.quantiles import of_times
from pipeline.analytics.query import Query
from pipeline.analytics.requests import counted
from pipeline.analytics.visits import of_lengths, of_visits
from pipeline.errors import UsageError
from pipeline.policy import Crossings


def of_rows(query: Query, crossings: Crossings = words.CROSSINGS) -> tuple[Part, ...]:
    """Return the parts of a question; raises UsageError where there are no such numbers."""
    found = _all(Aim(query, crossings, grouped=True), query.metrics)
    daily = [part for part in found if not part.hourly]
    if "time:hour" in query.dimensions and daily:
        raise UsageError(
            f"dimensions: {daily[0].columns[0][0]} by hours is not counted; take time:day"
        )
    return found


def of_totals(query: Query, crossings: Crossings = words.CROSSINGS) -> tuple[Part, ...]:
    """Return the parts of a question's totals, without the metrics that cannot be added up."""
    aim = Aim(query, crossings, grouped=False)
    known = []
    for metric in query.metrics:
        try:
            _all(aim, (metric,))
        except UsageError:
            continue
        known.append(metric)
    return _all(aim, tuple(known))


def _all(aim: Aim, metrics: tuple[str, ...]) -> tuple[Part, ...]:
    return (
        *counted(aim, metrics),
        *of_visits(aim, metrics),
        *of_times(aim, metrics),
        *of_lengths(aim, metrics),
    )
