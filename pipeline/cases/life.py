"""A case: what it is about, who asked and who agreed, and which state it is in at a moment.

::

    draft ─► requested ─► open ─► closed ─► purged
      ▲          │         └────► expired ─┘
      └─ denied ◄┘

A case is opened by its last approval. Extensions, wider scopes, holds and erasures are asked for
within an open case and decided in the same way; until then nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pipeline.scope import Scope

_DAY: Final = 24 * 3600


class State(StrEnum):
    """Where a case is in its life."""

    DRAFT = "draft"
    REQUESTED = "requested"
    DENIED = "denied"
    OPEN = "open"
    CLOSED = "closed"
    EXPIRED = "expired"
    PURGED = "purged"


class Kind(StrEnum):
    """What is asked for, to be decided by somebody else."""

    OPEN = "open"
    EXTEND = "extend"
    WIDEN = "widen"
    HOLD = "hold"
    ERASE = "erase"
    RATIFY = "ratify"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one approver said, and when (seconds since 1970 UTC)."""

    by: str
    at: int
    approved: bool
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: ``needed`` approvals of a scope, or of ``hours`` more.

    ``state`` is ``pending``, ``approved``, ``denied`` or ``withdrawn``. ``scope`` is what would be
    in force, and None where it stays as it is. ``told`` is the reason given.
    """

    number: int
    kind: Kind
    by: str
    team: str | None
    at: int
    needed: int
    state: str
    hours: int | None
    scope: Scope | None
    told: str = field(repr=False)
    decisions: tuple[Decision, ...] = ()

    @property
    def approvals(self) -> tuple[Decision, ...]:
        """Return who has agreed so far."""
        return tuple(decision for decision in self.decisions if decision.approved)


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands in the store. Times are seconds since 1970 UTC.

    ``scope`` is the one in force, None before the first approval; ``asked`` the newest asked for.
    ``due`` is when the answer to a person's request must be given; ``ratify_by`` when an emergency
    must have been ratified, and ``ratified`` when it was. ``policy`` is the version in force when
    the case was made. ``read`` counts the records shown, ``held`` tells that a legal hold lives.
    """

    id: str
    requester: str
    team: str | None
    category: str
    policy: int
    made: int
    stored: State
    reason: str = field(repr=False)
    reference: str = field(repr=False)
    scope: Scope | None
    asked: Scope | None
    emergency: bool
    opened: int | None
    expires: int | None
    ended: int | None
    due: int | None
    ratify_by: int | None
    ratified: int | None
    read: int
    requests: tuple[Request, ...] = ()
    held: bool = False

    def state(self, now: int) -> State:
        """Return the state at ``now``: an open case is expired once its time is over."""
        if self.stored is State.OPEN and self.expires is not None and self.expires <= now:
            return State.EXPIRED
        return self.stored

    def unratified(self, now: int) -> bool:
        """Tell whether an emergency was not ratified in time: a flag that stays for good."""
        late = self.ratify_by is not None and (self.ratified or now) > self.ratify_by
        return self.emergency and late

    def over(self, now: int) -> int | None:
        """Return since when nothing is done in it: its end, else what was asked or said last.

        None while it is open, and once it is purged.
        """
        match self.state(now):
            case State.OPEN | State.PURGED:
                return None
            case State.CLOSED:
                return self.ended
            case State.EXPIRED:
                return self.expires
            case State.DRAFT | State.REQUESTED | State.DENIED:
                asked = [one.at for one in self.requests]
                said = [one.at for request in self.requests for one in request.decisions]
                return max([self.made, *asked, *said])

    def purged_from(self, now: int, days: int) -> int | None:
        """Return from when the clock purges it, ``days`` after it was over; None as for ``over``.

        Never while somebody is owed something: an answer to a person, or to an emergency.
        """
        over, owed = self.over(now), [self.due or 0, self.ratify_by or 0]
        if over is None:
            return None
        return over + days * _DAY if self.stored is State.CLOSED else max(over + days * _DAY, *owed)

    @property
    def pending(self) -> Request | None:
        """Return what waits for a decision, None where nothing does."""
        return next((one for one in self.requests if one.state == "pending"), None)
