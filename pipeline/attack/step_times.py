"""How long the answers of steps took, against their step and what their hour and day say of it.

Ranges make up their step. A range lies in its classes of response times, and in ``(other)`` where
an hour or day does not show all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from pipeline.attack.numbers import STEP_TIME, Day, Number
from pipeline.attack.relations import Part, Relation, added
from pipeline.attack.windows import Seen, part_of
from pipeline.response_times import CLASSES, ENDS, NONE, RANGES
from pipeline.rows import DAY, HOUR, OTHER

_ABOUT: Final = "response times of steps"


def span(one: Number, step: str) -> Part:
    """Return a range as a set; ``step`` is what its step is called."""
    return part_of(f"{step} {one.across_value}", one)


def of_ranges(
    day: Day, hours: list[Seen], whole: Seen | None, steps: dict[tuple[int, str, str], Part]
) -> Iterator[Relation]:
    """Yield steps and their ranges, and what ranges leave of the classes of hours and of the day.

    ``steps`` are by start, segment and class of status.
    """
    of: dict[tuple[int, str, str], list[Part]] = defaultdict(list)
    for one in day.ranges:
        key = one.start, one.segment, one.value
        if key in steps:
            of[key].append(span(one, steps[key].name))
    for key, parts in of.items():
        yield Relation(_ABOUT, steps[key], tuple(parts), exact=True)
    for seen in [*hours, *([whole] if whole else [])]:
        yield from _of_classes(seen, day.ranges)


def _of_classes(seen: Seen, ranges: list[Number]) -> Iterator[Relation]:
    length = HOUR if seen.window.hourly else DAY
    mine = [one for one in ranges if 0 <= one.start - seen.window.start < length]
    for segment in sorted({one.segment for one in mine}):
        of_segment = [one for one in mine if one.segment == segment]
        wanted = {frozenset(_classes(one.across_value)) for one in of_segment}
        for revision in seen.revisions:
            if not seen.whole_at(segment, STEP_TIME, revision):
                continue
            state = seen.state(segment, STEP_TIME, revision)
            for classes in sorted(wanted, key=sorted):
                yield _less(seen, segment, state, classes, of_segment)


def _less(
    seen: Seen, segment: str, state: dict[str, Part], classes: frozenset[str], ranges: list[Number]
) -> Relation:
    """Return some classes, with what may hide them, and the ranges that can be taken from these."""
    held = set(classes)
    cells = [state[name] for name in sorted(classes & state.keys())]
    if OTHER in state and not classes <= state.keys():
        cells.append(state[OTHER])
        held |= {*CLASSES, NONE} - state.keys()
    parts = [
        span(one, f"{one.start} {segment} {one.value}")
        for one in ranges
        if held.issuperset(_classes(one.across_value))
    ]
    name = f"{seen.name} {segment} {STEP_TIME} {' and '.join(sorted(classes))}"
    return Relation(_ABOUT, added(name, cells), tuple(parts))


def _classes(name: str) -> list[str]:
    """Return the classes of a range, by its name."""
    if name not in RANGES:
        return [name]
    low, high = RANGES[name]
    last = CLASSES[-1] if high is None else next(one for one in CLASSES if ENDS[one][1] == high)
    first = next(one for one in CLASSES if ENDS[one][0] == low)
    return list(CLASSES[CLASSES.index(first) : CLASSES.index(last) + 1])
