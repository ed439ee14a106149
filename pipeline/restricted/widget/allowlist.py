"""The allow-list of the schemas, applied: of each line what may cross, by the field it makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pipeline.restricted.widget import coarsen
from pipeline.restricted.widget.coarsen import Coarsening, Value
from pipeline.restricted.widget.schema import Event
from pipeline.restricted.widget.values import Column, where


class AllowList:
    """What each kind of event lets cross; a kind is its place among ``events``, -1 is none."""

    def __init__(self, events: Sequence[Event]) -> None:
        """Take all events, of every version."""
        self._ways: dict[tuple[str, Coarsening], set[int]] = defaultdict(set)
        for kind, event in enumerate(events):
            for name, way in event.crossing.items():
                self._ways[name, way].add(kind)
        names = [event.name if "event" in event.crossing else None for event in events]
        # The last is for lines of no kind, which have the number -1.
        self._names: list[str | None] = [*names, None]

    def fields(self, said: dict[str, Column], kinds: list[int]) -> dict[str, Column]:
        """Return a column for every field that a coarsening makes, of the lines' properties."""
        made: dict[str, Column] = {
            way.field: (None,) * len(kinds) for way in coarsen.COARSENINGS.values()
        }
        made["event"] = [self._names[kind] for kind in kinds]
        for (name, way), mine in self._ways.items():
            if name not in said:
                continue  # the event's name: its schema says it
            values = said[name]
            everywhere = len(mine) == len(self._names) - 1
            if not everywhere:
                # Of an event that does not declare it, it may be anything.
                values = where([kind in mine for kind in kinds], values)
            if way.say is not None:
                values = _answers(values, way.say)
            if not everywhere:
                pairs = zip(values, made[way.field], strict=True)
                values = [other if value is None else value for value, other in pairs]
            made[way.field] = values
        return made


def _answers(values: Column, say: Callable[[Value], str]) -> list[str | None]:
    """Return what is said of each value, asked once for those that are equal."""
    answers: dict[object, str | None] = {v: say(v) for v in set(values) if v is not None}  # type: ignore[arg-type]
    return list(map(answers.get, values))
