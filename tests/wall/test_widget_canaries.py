"""Nobody who uses a widget is in what leaves door 1, whatever the event and whatever the field.

Names, addresses, messages and variables are planted in every property of every event there is,
whether its schema lets it cross or not, and are then looked for in every encoding.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from pipeline.demo.plants import Garden
from pipeline.demo.search import Blob, Searcher
from pipeline.restricted import Crossing
from pipeline.restricted.widget import schema
from tests.support import door
from tests.unit.restricted.widget.envelopes import RECEIVED, crossed, said

SCHEMAS: Final = schema.load()
ROUNDS: Final = 2


class Planter:
    """Lines of every event, with a value of its own in every property."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._turns: Counter[str] = Counter()
        self.garden = Garden(self._rng)

    def _word(self, kind: str) -> str:
        """A value that stands nowhere else and that no rule for paths could take for a word."""
        return self.garden.plant(kind, f"{kind.replace(' ', '-')}.{self._rng.getrandbits(64):x}")

    def _mail(self) -> str:
        return self.garden.plant("e-mail", f"{self._word('mail name')}@mail.example")

    def _filled(self, event: schema.Event) -> dict[str, object]:
        """Every property of the event, each with a planted value that fits its schema."""
        made: dict[str, object] = {}
        for name, shape in event.shapes.items():
            if shape.types == {"object"}:
                made[name] = {self._word("variable"): self._word("value"), "deep": [self._mail()]}
            elif shape.enum is not None:
                self._turns[name] += 1
                made[name] = sorted(shape.enum)[self._turns[name] % len(shape.enum)]
            elif shape.types == {"integer"}:
                made[name] = self._rng.randint(shape.least or 0, shape.most or 900)
            elif name in {"page", "referrer", "target"}:
                made[name] = (
                    f"https://{self._word('user')}:secret@shop.example/{self._mail()}"
                    f"?name={self._word('name')}#{self._word('fragment')}"
                )
            else:
                # By turns, so that of each property both are met.
                self._turns[name] += 1
                made[name] = self._mail() if self._turns[name] % 2 else self._word(name)
        return made

    def lines(self) -> Iterator[str]:
        """Each event filled whole; then with each of its properties out of its schema's bounds."""
        for event in SCHEMAS.events:
            whole = self._filled(event)
            for privacy in (None, "no-pseudonym", "drop"):
                yield self._line(event, whole | {"unknown": self._word("unknown")}, privacy)
            for name in event.shapes:
                for odd in ([self._mail()], {self._word("key"): 1}, self._word("odd")):
                    yield self._line(event, whole | {name: odd})
        yield self._line(SCHEMAS.events[0], {"event": self._word("event")})
        yield json.dumps({self._word("no envelope"): self._mail()})

    def _line(
        self, event: schema.Event, properties: dict[str, object], privacy: str | None = None
    ) -> str:
        return json.dumps(
            {
                "received": RECEIVED,
                "address": self.garden.ipv4("198.18.0.0/15"),
                "agent": f"Mozilla/5.0 (X11; Linux x86_64) {self._word('agent')}",
                "privacy": privacy,
                "event": said(event.name, **properties),
                "more": self._word("around"),
            },
            ensure_ascii=self._rng.random() < 0.5,
        )


@pytest.fixture(scope="module")
def planted() -> tuple[Planter, list[str]]:
    planter = Planter(seed=23)
    return planter, [line for _ in range(ROUNDS) for line in planter.lines()]


@pytest.fixture(scope="module")
def crossing(planted: tuple[Planter, list[str]]) -> Crossing:
    return crossed(planted[1])


def test_everything_arrived(planted: tuple[Planter, list[str]], crossing: Crossing) -> None:
    """Otherwise there would be nothing to find."""
    _, lines = planted
    assert sum(crossing.outcomes.values()) == len(lines)
    outcomes = {(outcome, reason) for _, outcome, reason in crossing.outcomes}
    assert outcomes == {
        ("event", ""),
        ("ignored", "opted_out"),
        ("rejected", "bad_event"),
        ("rejected", "unknown_event"),
        ("rejected", "not_this_format"),
    }
    told = set(door.rows(crossing)["event"])
    names = {event.name for event in SCHEMAS.events} - {"message_sent"}
    assert told == {*names, "message_by_visitor", "message_by_agent"}


def test_nobody_is_in_what_leaves_the_room(
    planted: tuple[Planter, list[str]], crossing: Crossing
) -> None:
    plants = planted[0].garden.plants
    assert len(plants) > 1_000
    assert {plant.kind for plant in plants} >= {
        "address", "agent", "e-mail", "variable", "value", "text", "visitor_name", "chat_id",
        "agent_id", "recipient", "locale", "screen", "widget_version", "code", "name", "user",
    }  # fmt: skip
    findings = Searcher(plants).search(door.blobs(crossing))
    assert not {f"{hit.kind} as {hit.encoding} in {hit.where}" for hit in findings.hits}
    assert not findings.packed_leak
    assert findings.unread == []


def test_the_lines_are_full_of_them(planted: tuple[Planter, list[str]]) -> None:
    """The control: the same search, one door earlier."""
    plants = planted[0].garden.plants
    searcher = Searcher(plants)
    found = searcher.search(Blob(f"line {at}", line.encode()) for at, line in enumerate(planted[1]))
    assert found.found > 0.95 * len(plants)
