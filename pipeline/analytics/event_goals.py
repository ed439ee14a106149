"""Goals that are events of the site's widget, beside goals that are pages.

A goal of events is the sum of what is shown of each of them. What is known of it does not come
from the list that is cut into pages: so its row is on the last page, and is never cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from pipeline.analytics import words
from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.analytics.conversion import WITHHELD, Plain
from pipeline.analytics.query import MOST_ROWS, Filter, Query

Events = Mapping[str, tuple[str, ...]]
"""Goal's name → the events that it is."""
NOTE: Final = (
    "goals of several events add up what is shown of each; visitors of several are not added up"
)
_LATER: Final = "goals that are events are on the last page"


def added(plain: Plain, query: Query, events: Events, found: Answer) -> Answer:
    """Return the answer to a question by goal with the goals that are ``events``.

    ``found`` answers it of goals that are pages. There may be more rows than the question's limit.
    """
    wanted = {name: events[name] for name in events if _picks(query, name)}
    if not wanted:
        return found
    if found.next is not None:
        return replace(found, notes=(*found.notes, _LATER))
    told = _told(plain, query, wanted)
    made = [_line(query, name, [told[event] for event in wanted[name]]) for name in wanted]
    # A goal of events that was filtered for has a row of nothing among those of pages.
    pages = [line for line in found.lines if line.dimensions[0] not in wanted]
    lines = _sorted(query, [*pages, *made])
    return replace(found, lines=lines, notes=(*found.notes, NOTE))


def _picks(query: Query, name: str) -> bool:
    """Tell whether the filters leave a goal in; of anything but goals no sum can be made."""
    for one in query.filters:
        if one.dimension != words.GOAL:
            return False
        within = name in one.values
        if one.operator not in {"is", "is_not"} or within != (one.operator == "is"):
            return False
    return True


def _told(plain: Plain, query: Query, wanted: Events) -> dict[str, Line]:
    """Return the hits and visitors of each event; one that has none says why."""
    names = tuple(dict.fromkeys(event for events in wanted.values() for event in events))
    answer = plain(
        replace(
            query, site=query.site + words.WIDGET, metrics=("hits", "visitors"),
            dimensions=("event",), filters=(Filter("is", "event", names),), order=(),
            limit=MOST_ROWS, after=None,
        )
    )  # fmt: skip
    return {line.dimensions[0]: line for line in answer.lines}


def _line(query: Query, name: str, told: list[Line]) -> Line:
    before = [line.compare for line in told if line.compare is not None]
    return Line(
        (name,),
        _together(query.metrics, [line.cells for line in told]),
        _together(query.metrics, before) if query.compare else None,
    )


def _together(metrics: Iterable[str], told: list[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    """Return the cells of a goal, of those (hits, visitors) of its events."""
    return tuple(
        _sum([hits for hits, _ in told])
        if metric == words.CONVERSIONS
        else _people([people for _, people in told])
        for metric in metrics
    )


def _sum(cells: list[Cell]) -> Cell:
    shown = [cell.number for cell in cells if cell.state == words.VALUE and cell.number]
    if shown:
        return Cell(sum(shown), words.VALUE)
    return next((cell for cell in cells if cell.state != words.ZERO), cells[0])


def _people(cells: list[Cell]) -> Cell:
    return cells[0] if len(cells) == 1 else WITHHELD


def _sorted(query: Query, lines: list[Line]) -> tuple[Line, ...]:
    """Return lines in the order that was asked for, as the tables sort: unknown cells last."""
    found = sorted(lines, key=lambda line: line.dimensions)
    for name, down in reversed(query.order or ((query.metrics[0], True),)):
        if name == words.GOAL:
            found.sort(key=lambda line: line.dimensions, reverse=down)
            continue
        at = query.metrics.index(name)
        known = [line for line in found if line.cells[at].number is not None]
        known.sort(key=lambda line: line.cells[at].number or 0, reverse=down)
        found = [*known, *(line for line in found if line.cells[at].number is None)]
    return tuple(found)
