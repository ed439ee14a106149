"""Requests of persons about their own data: access, correction, erasure, within thirty days.

They go the same way as any case: a privacy officer opens it, another person approves it, each look
is written down. An answer must not reveal another's data. An address may be shared by many (an
office, a household, a provider's translation), so where more than one user agent was seen at the
scope's addresses, the answer waits until one of them, or a chat, is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.cases.acts import SUBJECT
from pipeline.cases.life import Case, State
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.errors import UsageError
from pipeline.investigations.desk import Desk, Tell
from pipeline.investigations.export import Exported, Office, export
from pipeline.investigations.narrowing import Question
from pipeline.scope import Scope

FIELDS: Final = (
    "time", "site", "address", "method", "target", "status", "bytes", "referrer", "agent", "host",
    "event", "chat",
)  # fmt: skip
"""What an answer may hold. The raw line is not among it: it may name others, as in a list of
forwarded addresses or in a chat partner's words."""

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Clock:
    """How long there is to answer: ``due`` in seconds since 1970 UTC, ``left`` in whole days.

    ``left`` is negative once it is overdue.
    """

    due: int
    left: int


def clock(case: Case, now: int) -> Clock:
    """Return a request's clock."""
    due = case.due or case.made
    return Clock(due, (due - now) // _DAY)


def open_requests(cases: list[Case], now: int) -> list[Case]:
    """Return the requests of persons that are not ended, the most urgent first."""
    live = (State.DRAFT, State.REQUESTED, State.OPEN, State.DENIED, State.EXPIRED)
    mine = [one for one in cases if one.category == SUBJECT and one.state(now) in live]
    return sorted(mine, key=lambda one: one.due or 0)


def for_subject(scope: Scope) -> Scope:
    """Return a scope with the fields that an answer may hold; raises UsageError without a person.

    A path or an agent alone is nobody: it would find everybody who has it.
    """
    if not scope.selectors.named():
        raise UsageError("a person is named by an address, a pseudonym or a chat id")
    if scope.selectors.networks:
        raise UsageError("a network holds more than one person: name addresses")
    fields = tuple(name for name in scope.fields if name in FIELDS)
    return Scope(
        scope.sites, scope.first, scope.last, scope.selectors, fields, scope.most_records,
        scope.untimed, scope.salt,
    )  # fmt: skip


def answer(
    desk: Desk,
    office: Office,
    person: Person,
    case_id: str,
    tell: Tell = lambda _hour, _effort: None,
) -> Exported:
    """Write what is kept of a person into a bundle; raises RefusedError, UsageError.

    Refused where somebody else may be among it: nothing is written or shown then.
    """
    asked = desk.asking(person, Act.ANSWER, case_id, Question())
    selectors = asked.scope.selectors
    if not (selectors.agents or selectors.chats):
        agents: set[str | None] = set()
        for records, _ in desk.placed(person, asked.case, asked.scope, tell):
            agents.update(records["agent"].drop_nulls().unique().to_list())
        if len(agents) > 1:
            raise UsageError(
                "more than one user agent was seen there, so others may share the address: have "
                "the person name theirs, and ask for it with `partywall case request --agent`"
            )
    return export(desk, office, person, case_id, Question(), tell)
