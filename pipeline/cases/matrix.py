"""Who may do what with a case in which state: the table, and nothing beside it.

What the table does not list is not allowed. Of whom an act is allowed is one of

``anybody``    every holder of the role
``requester``  the person whose case it is
``another``    not the requester, nor anybody of the requester's team
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pipeline.cases.life import Case, State
from pipeline.cases.people import Person, Role


class Act(StrEnum):
    """What people do with cases."""

    DRAFT = "draft"
    REQUEST = "request"
    EMERGENCY = "emergency"
    APPROVE = "approve"
    DENY = "deny"
    RATIFY = "ratify"
    SHOW = "show"
    SEARCH = "search"
    READ = "read"
    REVEAL = "reveal"
    NOTE = "note"
    FINDING = "finding"
    EXPORT = "export"
    DISCLOSE = "disclose"
    EXTEND = "extend"
    WIDEN = "widen"
    HOLD = "hold"
    RELEASE = "release"
    AGREE = "agree"
    ERASE = "erase"
    ANSWER = "answer"
    CORRECT = "correct"
    CLOSE = "close"
    PURGE = "purge"


class Who(StrEnum):
    """Of whom an act is allowed."""

    ANYBODY = "anybody"
    REQUESTER = "requester"
    ANOTHER = "another"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    role: Role
    who: Who
    states: frozenset[State | None]


_I, _A, _P = Role.INVESTIGATOR, Role.APPROVER, Role.PRIVACY_OFFICER
_REQUESTER, _ANOTHER, _ANYBODY = Who.REQUESTER, Who.ANOTHER, Who.ANYBODY
_ENDED: Final = (State.CLOSED, State.EXPIRED)
_NEW: Final = (None,)
_ALL: Final = tuple(State)


def _own(*states: State) -> tuple[Rule, ...]:
    """Return the rules of acts that are the requester's, who may hold either role."""
    return (
        Rule(_I, _REQUESTER, frozenset(states)),
        Rule(_P, _REQUESTER, frozenset(states)),
    )


TABLE: Final[Mapping[Act, tuple[Rule, ...]]] = MappingProxyType(
    {
        Act.DRAFT: (Rule(_I, _ANYBODY, frozenset(_NEW)), Rule(_P, _ANYBODY, frozenset(_NEW))),
        Act.REQUEST: _own(State.DRAFT, State.DENIED),
        Act.EMERGENCY: (Rule(_I, _REQUESTER, frozenset([State.DRAFT])),),
        Act.APPROVE: (Rule(_A, _ANOTHER, frozenset([State.REQUESTED, State.OPEN])),),
        Act.DENY: (Rule(_A, _ANOTHER, frozenset([State.REQUESTED, State.OPEN])),),
        Act.RATIFY: (Rule(_A, _ANOTHER, frozenset([State.OPEN, *_ENDED])),),
        Act.SHOW: (
            Rule(_I, _REQUESTER, frozenset(_ALL)),
            *(Rule(role, _ANYBODY, frozenset(_ALL)) for role in (_A, _P, Role.AUDITOR)),
        ),
        Act.SEARCH: _own(State.OPEN),
        Act.READ: _own(State.OPEN),
        Act.REVEAL: _own(State.OPEN),
        Act.NOTE: _own(State.OPEN, *_ENDED),
        Act.FINDING: _own(State.OPEN, *_ENDED),
        Act.EXPORT: _own(State.OPEN),
        Act.DISCLOSE: _own(State.OPEN, *_ENDED),
        Act.EXTEND: _own(State.OPEN),
        Act.WIDEN: _own(State.OPEN),
        Act.HOLD: _own(State.OPEN),
        Act.RELEASE: (Rule(_P, _ANYBODY, frozenset([State.OPEN, *_ENDED])),),
        Act.AGREE: (Rule(_A, _ANYBODY, frozenset([State.OPEN, *_ENDED])),),
        Act.ERASE: (Rule(_P, _REQUESTER, frozenset([State.OPEN])),),
        Act.ANSWER: (Rule(_P, _REQUESTER, frozenset([State.OPEN])),),
        Act.CORRECT: (Rule(_P, _REQUESTER, frozenset([State.OPEN, *_ENDED])),),
        Act.CLOSE: (
            *_own(State.DRAFT, State.REQUESTED, State.DENIED, State.OPEN),
            Rule(_A, _ANYBODY, frozenset([State.OPEN])),
            Rule(_P, _ANYBODY, frozenset([State.REQUESTED, State.OPEN])),
        ),
        Act.PURGE: (Rule(_P, _ANYBODY, frozenset([State.DENIED, *_ENDED, State.PURGED])),),
    }
)
"""Act → who may do it. ``None`` among the states stands for a case that is not there yet."""

ORDER_HOW: Final = (
    "ask somebody who holds the role approver, and neither asked nor is of the requester's team"
)
"""Who a second person is."""

_OVER: Final = "its keys were taken back: open a new case"
_LOOK: Final[Mapping[State | None, str]] = MappingProxyType(
    {
        State.REQUESTED: "a second person decides first, with `partywall case approve`",
        State.CLOSED: _OVER,
        State.EXPIRED: _OVER,
        State.PURGED: _OVER,
    }
)
_LOOKS: Final = frozenset({Act.SEARCH, Act.READ, Act.REVEAL})
"""What leads to records from a state that shows none."""

_HOW: Final[Mapping[Act, str]] = MappingProxyType(
    {
        Act.REQUEST: "what is open is widened or extended, what is over takes a new case",
        Act.SEARCH: "ask for approval with `partywall case request`, and search once it is given",
        Act.EXPORT: "an export needs an open case: extend it before it ends, or open a new one",
        Act.APPROVE: ORDER_HOW,
        Act.EXTEND: "an extension is asked for while the case is open: open a new case instead",
        Act.PURGE: "close the case first; a privacy officer may purge what has ended",
    }
)


def why_not(person: Person, act: Act, case: Case | None, now: int) -> str | None:
    """Return None where the table allows it, else one line: what is missing, how to ask for it.

    The line never depends on records. Whoever may not see a case learns nothing of its state.
    """
    state = None if case is None else case.state(now)
    mine = [rule for rule in TABLE[act] if rule.role in person.roles]
    if not mine:
        needed = " or ".join(sorted({rule.role.value for rule in TABLE[act]}))
        return f"{act.value} needs the role {needed}: ask who keeps the list of people"
    fit = [rule for rule in mine if _is(rule.who, person, case)]
    if not fit:
        if any(rule.who is Who.ANOTHER for rule in mine):
            return f"{act.value} is for a second person: {_HOW[Act.APPROVE]}"
        return "this is another's case: ask its requester, or open one of your own"
    if state not in {one for rule in fit for one in rule.states}:
        where = "not there" if state is None else state.value
        how = _HOW.get(act, "see `partywall case show` for what it waits for")
        if act in _LOOKS:
            how = _LOOK.get(state, how)
        return f"{act.value} is not possible while the case is {where}: {how}"
    return None


def _is(who: Who, person: Person, case: Case | None) -> bool:
    if who is Who.ANYBODY or case is None:
        return True
    if who is Who.REQUESTER:
        return person.name == case.requester
    # A provider may write one person's name in two ways.
    return person.name.casefold() != case.requester.casefold() and not (
        case.team is not None and person.team == case.team
    )
