"""How long there is to answer a person's request, and which requests wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.cases.life import Case, State
from pipeline.cases.subject import SUBJECT

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Clock:
    """How long there is to answer: ``due`` in seconds since 1970 UTC, ``left`` in days begun.

    A request of a second ago has all of its days left, and on its last day one.
    """

    due: int
    left: int
    overdue: bool


def clock(case: Case, now: int) -> Clock:
    """Return a request's clock."""
    due = case.due or case.made
    return Clock(due, -((now - due) // _DAY), now > due)


def open_requests(cases: list[Case], now: int) -> list[Case]:
    """Return the requests of persons that are not ended, the most urgent first."""
    live = (State.DRAFT, State.REQUESTED, State.OPEN, State.DENIED, State.EXPIRED)
    mine = [one for one in cases if one.category == SUBJECT and one.state(now) in live]
    return sorted(mine, key=lambda one: one.due or 0)
