"""Steps of minutes against all that is said of their hour and day.

Steps share no request, and lie within their segment's hour. A status tells its class by its name;
``(other)`` may hold statuses of any class, so it is taken along.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from pipeline.attack.numbers import ALL, AUDIENCE, Day, Number
from pipeline.attack.relations import Part, Relation, added
from pipeline.attack.windows import BOT, Seen, part_of
from pipeline.rows import HOUR, OTHER

_STATUS: Final = "status"
_ABOUT: Final = "steps of minutes"
Steps = dict[tuple[str, str], list[Part]]
"""Segment and class of status → its steps, of an hour or of a day."""


def step(one: Number) -> Part:
    """Return a step as a set."""
    start = dt.datetime.fromtimestamp(one.start, dt.UTC)
    name = f"{start:%Y-%m-%d %H:%M} {one.minutes} min {one.segment} {one.value}"
    return part_of(name, one)


def of_steps(day: Day, hours: list[Seen], whole: Seen | None) -> Iterator[Relation]:
    """Yield what steps leave of their hours, of their statuses, and of their day."""
    of_hour: dict[int, Steps] = defaultdict(lambda: defaultdict(list))
    of_day: Steps = defaultdict(list)
    for one in day.steps:
        category = one.segment, one.value
        of_hour[one.start // HOUR * HOUR][category].append(step(one))
        of_day[category].append(step(one))
    for seen in hours:
        if seen.window.start in of_hour:
            yield from _within(seen, of_hour[seen.window.start])
            yield from _statuses(seen, of_hour[seen.window.start])
    if whole is not None and of_day:
        yield from _within(whole, of_day)


def _within(seen: Seen, steps: Steps) -> Iterator[Relation]:
    """Yield segments and audiences less their steps, at each edition."""
    for revision in seen.revisions:
        for segment in sorted({segment for segment, _ in steps}):
            parts = tuple(p for (s, _), some in steps.items() if s == segment for p in some)
            total = seen.total(segment, revision)
            if total is not None:
                yield Relation(_ABOUT, total, parts, grows=True)
        for audience, total in seen.state(ALL, AUDIENCE, revision).items():
            parts = tuple(
                p for (s, _), some in steps.items() if (s == BOT) == (audience == BOT) for p in some
            )
            yield Relation(_ABOUT, total, parts, grows=True)


def _statuses(seen: Seen, steps: Steps) -> Iterator[Relation]:
    """Yield the statuses of some classes, and ``(other)``, less the steps of these classes."""
    for segment in sorted({segment for segment, _ in steps}):
        classes = sorted(kind for s, kind in steps if s == segment)
        for revision in seen.revisions:
            if not seen.whole_at(segment, _STATUS, revision):
                continue
            state = seen.state(segment, _STATUS, revision)
            for size in range(1, len(classes) + 1):
                for kinds in combinations(classes, size):
                    cells = [part for value, part in state.items() if _may_be(value, kinds)]
                    name = f"{seen.name} {segment} status {' and '.join(kinds)}"
                    parts = tuple(p for kind in kinds for p in steps[segment, kind])
                    yield Relation(_ABOUT, added(name, cells), parts)


def _may_be(value: str, kinds: tuple[str, ...]) -> bool:
    """Tell whether a cell may hold requests of some classes."""
    kind = f"{value[:1]}xx"
    return value == OTHER or kind in kinds or (not value[:1].isdigit() and "(none)" in kinds)
