"""What has to be said of an answer's numbers, a sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.analytics import words
from pipeline.analytics.answer import Answer
from pipeline.analytics.judging import Horizon
from pipeline.analytics.part import Part
from pipeline.analytics.query import Query

VISITOR_DAYS: Final = (
    "visitors over several days are visitor_days: pseudonyms change every day, so each day's "
    "visitors are added up"
)
_ROLES: Final = (
    "metrics of visits add up the days and values whose entries, exits and bounces are shown; "
    "rates divide within these"
)
_NOT_ADDED: Final = (
    "the total has no visitors where they cannot be added up: one person may be in several rows"
)
_OF_PAGES: Final = "visits by page are those that began on it"


def of(
    answer: Answer,
    query: Query,
    parts: Sequence[Part],
    folded: bool,  # noqa: FBT001 -- whether there is more in (other)
    horizon: Horizon,
) -> tuple[str, ...]:
    """Return the notes of an answer, the most general first."""
    found = []
    several = len(answer.days) > 1
    if answer.k == 1:
        found.append("not anonymous: with k = 1 a number may stand for a single visitor")
    if "visitors" in query.metrics and several and "time:day" not in query.dimensions:
        found.append(VISITOR_DAYS)
    if "visitors" in query.metrics and "time:hour" in query.dimensions:
        found.append("visitors of an hour: whoever comes in two hours is counted in both")
    if answer.has_other:
        found.append(
            f"(other) adds up what fewer than {answer.k} visitors did, and what hides them; other "
            "rows may be less than all of their kind"
        )
    elif folded and any(part.chosen for part in parts):
        found.append(
            f"(other), what fewer than {answer.k} visitors did and what hides them, cannot be "
            "filtered and is left out; numbers may be less than all of their kind"
        )
    if any(part.roles for part in parts) and folded:
        found.append(_ROLES)
    if "page" in query.dimensions and {"visits", "bounce_rate"} & {*query.metrics}:
        found.append(_OF_PAGES)
    if (
        "visitors" in query.metrics
        and answer.dimensions
        and answer.totals.cells[query.metrics.index("visitors")] == (None, words.WITHHELD)
    ):
        found.append(_NOT_ADDED)
    found += _of_time(answer, query, horizon)
    return tuple(found)


def _of_time(answer: Answer, query: Query, horizon: Horizon) -> list[str]:
    found = []
    if answer.days.last >= horizon.open_from and "time:hour" not in query.dimensions:
        first = max(answer.days.first, horizon.open_from)
        daily = [m for m in query.metrics if m == "visitors" or m in words.VISITS]
        lacking = f"; {', '.join(daily)} come when a day has closed" if daily else ""
        found.append(f"days not yet closed, from {first} on, are counted from hours{lacking}")
    if answer.days.first < horizon.kept_from:
        found.append(
            f"days before {horizon.kept_from} are past their retention, unless loaded late"
        )
    return found
