"""What an act is weighed by beside the table, and what its entry in the audit log says of it.

Scopes stand in an entry by their digest, and whole, with the reason, in its sealed part.
"""

from __future__ import annotations

from typing import Final

import orjson

from pipeline.audit.entry import Fact
from pipeline.cases.life import Case, Kind
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.cases.permission import Weigh, Weighed
from pipeline.cases.subject import SUBJECT
from pipeline.cases.writing import Writing
from pipeline.errors import UsageError
from pipeline.policy import Investigations
from pipeline.scope import Scope

LONGEST: Final = 8_000
"""Characters of a reason, a reference, a note."""

NOTHING: Final = "the case waits for nothing: its requester asks first"

_HOUR: Final = 3600


def opening_alone(person: Person, reason: str, terms: Investigations) -> Weigh:
    """Return what weighs whether somebody may open a case alone.

    One a person within the hours for ratifying, and none while one waits for that: else one
    emergency after the other would be a case that nobody ever approves.
    """

    def weigh(store: Writing, case: Case, now: int) -> Weighed:
        see_nothing_waits(case)
        hours = terms.ratify_hours
        facts: dict[str, Fact] = {"minutes": terms.emergency_minutes}
        if case.asked is None or len(case.asked.sites) != 1:
            raise UsageError("an emergency reaches one site: open a case that names one")
        facts["scope"] = case.asked.digest()
        recent = [
            opened > now - hours * _HOUR or waits
            for opened, waits in store.emergencies(person.name)
        ]
        why = None
        if any(recent):
            why = (
                f"one emergency a person within {hours} hours, and none before the last is "
                "ratified: have this case approved instead"
            )
        return Weighed(facts, sealed(reason, case.asked), why)

    return weigh


def deciding(person: Person, act: Act, reason: str, seen: int | None) -> Weigh:
    """Return what weighs a decision: the log says of what, and it is of what was seen.

    An agreement is by the act that what waits is agreed to with, and each person's counts once.
    """

    def weigh(_: Writing, case: Case, __: int) -> Weighed:
        request = case.pending
        if request is None:
            raise UsageError(NOTHING)
        if seen is not None and request.number != seen:
            raise UsageError(
                "what you looked at is decided or withdrawn, and something else is asked for now: "
                "look at the case again"
            )
        agreed = Act.RATIFY if request.kind is Kind.RATIFY else Act.APPROVE
        if act not in {Act.DENY, agreed}:
            raise UsageError(f"the case waits to be decided by `partywall case {agreed.value}`")
        # A provider may write one person's name in two ways.
        before = {one.by.casefold() for one in request.decisions}
        if act is not Act.DENY and person.name.casefold() in before:
            raise UsageError(
                "you have approved this already: another approver has to agree as well"
            )
        facts: dict[str, Fact] = {"request": request.number, "kind": request.kind.value}
        scope = request.scope or (case.scope if request.kind is Kind.RATIFY else None)
        if scope is not None:
            facts["scope"] = scope.digest()
        if request.hours is not None:
            facts["hours"] = request.hours
        return Weighed(facts, told(reason))

    return weigh


def extending(hours: int, reason: str, terms: Investigations) -> Weigh:
    """Return what weighs an extension: one that would add no time is not asked for."""

    def weigh(_: Writing, case: Case, now: int) -> Weighed:
        opened, expires, most = case.opened or 0, case.expires or 0, terms.most_open_hours
        if expires >= opened + most * _HOUR:
            raise UsageError(f"a case is open for {most} hours at most: open a new one for more")
        see_nothing_waits(case)
        left = (expires - now) // _HOUR
        if hours <= left:
            raise UsageError(
                f"hours: they count from the approval, and the case has {left} left without: "
                "ask for more, or later"
            )
        return Weighed({"hours": hours}, told(reason))

    return weigh


def asking(reason: str) -> Weigh:
    """Return what weighs a request that changes neither scope nor time."""

    def weigh(_: Writing, case: Case, __: int) -> Weighed:
        see_nothing_waits(case)
        return Weighed({}, told(reason))

    return weigh


def correcting(statement: str) -> Weigh:
    """Return what weighs a person's statement: it goes for the scope of an approved request."""

    def weigh(_: Writing, case: Case, __: int) -> Weighed:
        if case.scope is None or case.category != SUBJECT:
            raise UsageError("a correction belongs to an approved request of a person")
        return Weighed({}, told(statement))

    return weigh


def see_nothing_waits(case: Case) -> None:
    """Raise UsageError where a case waits for a decision: it asks for one thing at a time."""
    if case.pending is not None:
        raise UsageError("the case waits for a decision already: have it approved or denied first")


def check_text(name: str, text: str) -> None:
    """Raise UsageError for a text that says nothing, or too much; ``name`` is what it is."""
    if not text.strip():
        raise UsageError(f"{name}: say something")
    if len(text) > LONGEST:
        raise UsageError(f"{name}: {LONGEST:,} characters at most")


def told(reason: str) -> bytes | None:
    """Return a reason as an entry of the audit log seals it, None for none."""
    return orjson.dumps({"reason": reason}) if reason else None


def sealed(reason: str, scope: Scope) -> bytes:
    """Return a reason and the scope it is given for, as an entry of the audit log seals them."""
    return orjson.dumps({"reason": reason, "scope": orjson.loads(scope.canonical())})
