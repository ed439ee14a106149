"""A case as its pages tell of it: its clock, its scope, what the person may do now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from pipeline.cases.life import Case, Kind, State
from pipeline.cases.matrix import Act, why_not
from pipeline.cases.people import Person
from pipeline.cases.reading import Added
from pipeline.scope import Scope
from pipeline.web.pages.asking import KINDS

WAITS: Final[Mapping[Kind, str]] = {
    Kind.OPEN: "approval to open",
    Kind.EXTEND: "more time",
    Kind.WIDEN: "another scope",
    Kind.HOLD: "a legal hold",
    Kind.ERASE: "an erasure",
    Kind.RATIFY: "ratification of the emergency",
}
"""What is asked for, after the words "asks for" or "waits for"."""

_ONE_AT_A_TIME: Final = frozenset({Act.EXTEND, Act.WIDEN, Act.HOLD, Act.ERASE})


def may(person: Person, case: Case, now: int) -> frozenset[str]:
    """Return the acts that the table allows the person now, and that would come to something."""
    allowed = {act for act in Act if why_not(person, act, case, now) is None}
    pending = case.pending
    if pending is None or any(one.by == person.name for one in pending.decisions):
        allowed -= {Act.APPROVE, Act.RATIFY}
    elif pending.kind is Kind.RATIFY:
        allowed -= {Act.APPROVE}
    else:
        allowed -= {Act.RATIFY}
    if pending is None:
        allowed -= {Act.DENY}
    else:
        allowed -= _ONE_AT_A_TIME
    if case.asked is None or len(case.asked.sites) != 1:
        allowed -= {Act.EMERGENCY}
    return frozenset(act.value for act in allowed)


@dataclass(frozen=True, slots=True)
class Told:
    """A case at a moment, as templates have it."""

    case: Case
    state: State
    now: int
    may: frozenset[str]

    @property
    def ends_in(self) -> int | None:
        """Seconds until an open case ends."""
        if self.state is not State.OPEN or self.case.expires is None:
            return None
        return self.case.expires - self.now

    @property
    def scope(self) -> Scope | None:
        """The scope in force, or the one asked for before there is one."""
        return self.case.scope or self.case.asked

    @property
    def waits_for(self) -> str | None:
        """What an approver is to decide on."""
        return None if self.case.pending is None else WAITS[self.case.pending.kind]

    @property
    def unratified(self) -> bool:
        """Whether an emergency was not ratified in time."""
        return self.case.unratified(self.now)

    @property
    def whose(self) -> list[tuple[str, tuple[str, ...]]]:
        """Labels and values of the scope's selectors."""
        return selected(self.scope)

    @property
    def decides(self) -> bool:
        """Whether the person may decide on what the case asks for."""
        return bool(self.may & {Act.APPROVE.value, Act.RATIFY.value})


def told(person: Person, case: Case, now: int) -> Told:
    """Return what a page says of a case."""
    return Told(case, case.state(now), now, may(person, case, now))


def selected(scope: Scope | None) -> list[tuple[str, tuple[str, ...]]]:
    """Return labels and values of a scope's selectors, those that it has."""
    if scope is None:
        return []
    named = ((label, getattr(scope.selectors, kind)) for kind, label, _ in KINDS)
    return [(label, values) for label, values in named if values]


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was added to a case."""

    kind: str
    by: str
    at: int
    text: str = field(repr=False)
    said: Mapping[str, object] = field(repr=False)


def lines(added: Sequence[Added]) -> list[Line]:
    """Return what was added: a person's own text, or what the desk wrote by name."""
    return [_line(one) for one in added]


def _line(one: Added) -> Line:
    text = one.text.decode("utf-8", "replace")
    said: object = None
    if one.kind not in {"note", "finding"}:
        try:
            said = orjson.loads(one.text)
        except orjson.JSONDecodeError:
            said = None
    return Line(one.kind, one.by, one.at, text, said if isinstance(said, dict) else {})
