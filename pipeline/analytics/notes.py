"""What has to be said of an answer's numbers, a sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.analytics import words
from pipeline.analytics.answer import Answer
from pipeline.analytics.judging import Horizon
from pipeline.analytics.part import Part
from pipeline.analytics.query import Query

NOT_ANONYMOUS: Final = "not anonymous: with k = 1 a number may stand for a single visitor"
NO_SITE: Final = (
    "nothing has been released of this site: look at how it is written, or wait for its first hour"
)
ELSEWHEN: Final = (
    "of this site there are days from {first} to {last}: choose these, or all, as the range"
)
VISITOR_DAYS: Final = (
    "visitors over several days are visitor_days: pseudonyms change every day, so each day's "
    "visitors are added up"
)
_OF_HOURS: Final = "visitors of an hour: whoever comes in two hours is counted in both"
_OTHER: Final = (
    "(other) adds up what fewer than {k} visitors did, and what hides them; other rows may be less "
    "than all of their kind"
)
_PLACES: Final = (
    "a region or city needs more visitors than other values do, the policy's place_floor, or it is "
    "under (other)"
)
_UNFILTERED: Final = (
    "(other), what fewer than {k} visitors did and what hides them, cannot be filtered and is left "
    "out; numbers may be less than all of their kind"
)
_MOVES: Final = (
    "moves that fewer than {k} visitors made are left out, and what hides them; the total is of "
    "those shown"
)
_PATHS: Final = (
    "a path has the first 5 views of a visit, and … where there were more; those that fewer than "
    "{k} visitors went are left out, and what hides them"
)
_NOTHING: Final = (
    "nothing is shown by itself: there is nothing, or each of it had fewer than {k} visitors"
)
_ROLES: Final = (
    "metrics of visits add up the days and values whose entries, exits and bounces are shown; "
    "rates divide within these"
)
_TIMES: Final = (
    "response times are told in classes, of requests whose log says how long they took: the number "
    "is where the class ends, in milliseconds"
)
_LENGTHS: Final = (
    f"{words.MEDIAN} is of visits of several views, told in classes: the number is where the class "
    "ends, in seconds; in visit_duration visits of one view count with 0"
)
_CLASSES_FOLDED: Final = (
    "some {what} are under (other): {whom} has a number where it is in one class wherever these "
    "lie, else a range"
)
_TIMES_FOLDED: Final = _CLASSES_FOLDED.format(what="response times", whom="a quantile")
_LENGTHS_FOLDED: Final = _CLASSES_FOLDED.format(what="visits' lengths", whom=words.MEDIAN)
_OF_PAGES: Final = "visits by page are those that began on it"
_ENDS: Final = (
    "pages of which too little is shown to tell how many visits began or ended there are left out; "
    "the total is of the whole site"
)
_NOT_ADDED: Final = (
    "the total has no visitors where they cannot be added up: one person may be in several rows"
)


def of(
    answer: Answer,
    query: Query,
    parts: Sequence[Part],
    folded: bool,  # noqa: FBT001 -- whether there is more in (other)
    horizon: Horizon,
) -> tuple[str, ...]:
    """Return the notes of an answer, the most general first."""
    named = {*query.dimensions, *(one.dimension for one in query.filters)}
    visitors, moves = "visitors" in query.metrics, words.NEXT_PAGE in named
    paths = words.CLICK_PATH in named
    picked = any(part.chosen for part in parts)
    lengths = words.MEDIAN in query.metrics
    timed = bool(words.LATENCY.keys() & {*query.metrics})
    told = (
        (answer.k == 1, NOT_ANONYMOUS),
        (visitors and len(answer.days) > 1 and not _finest(query), VISITOR_DAYS),
        (visitors and "time:hour" in query.dimensions, _OF_HOURS),
        (answer.has_other, _OTHER),
        (folded and answer.k > 1 and "place" in named, _PLACES),
        (folded and picked and not answer.has_other and not (moves or paths), _UNFILTERED),
        (moves, _MOVES),
        (paths, _PATHS),
        (answer.dimensions and not answer.lines and query.after is None, _NOTHING),
        (folded and any(part.roles for part in parts), _ROLES),
        (timed, _TIMES),
        (folded and timed, _TIMES_FOLDED),
        (lengths, _LENGTHS),
        (folded and lengths, _LENGTHS_FOLDED),
        (answer.k > 1 and {"entry_page", "exit_page"} & {*query.dimensions}, _ENDS),
        ("page" in query.dimensions and {"visits", "bounce_rate"} & {*query.metrics}, _OF_PAGES),
        (visitors and answer.dimensions and _unsummed(answer, query), _NOT_ADDED),
    )
    found = [note.format(k=answer.k) for holds, note in told if holds]
    return (*found, *_of_time(answer, query, horizon))


def _finest(query: Query) -> bool:
    """Tell whether no row is of several days."""
    return bool({"time:day", "time:hour"} & {*query.dimensions})


def _unsummed(answer: Answer, query: Query) -> bool:
    cell = answer.totals.cells[query.metrics.index("visitors")]
    return cell.state == words.WITHHELD


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
