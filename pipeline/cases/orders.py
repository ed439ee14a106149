"""Acts that belong to no case and still need two people: the destruction of a day's keys.

A privacy officer orders it, somebody who holds the role approver and is of another team agrees, and
only then is it carried out. Both are written to the audit log first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.cases.matrix import ORDER_HOW
from pipeline.cases.people import Person, Role
from pipeline.cases.permission import Gate
from pipeline.cases.reading import Order
from pipeline.errors import RefusedError

_ACT: Final = "keys.destroy_day"


WhyNot = Callable[[int], str | None]
"""Says why a day cannot be destroyed at all, None where it can."""


def order(
    gate: Gate, person: Person, day: int, reason: str, why_not: WhyNot = lambda _: None
) -> None:
    """Order that a day (since 1970-01-01 UTC) be destroyed; raises RefusedError."""
    facts = {"day": day}
    why: str | None = "a day's keys are destroyed by order of the role privacy_officer: ask one"
    if Role.PRIVACY_OFFICER in person.roles:
        why = why_not(day)
    if why is not None:
        gate.write(person, _ACT, "refused", None, {**facts, "why": why})
        raise RefusedError(why)
    with gate.store.writing() as store:
        gate.write(person, _ACT, "allowed", None, facts, sealed=reason.encode())
        store.order(Order(day, person.name, person.team, gate.now()))


def agree(gate: Gate, person: Person, day: int, why_not: WhyNot = lambda _: None) -> Order:
    """Agree to an order and return it, to be carried out now; raises RefusedError."""
    why: str | None
    with gate.store.reading() as store:
        given = store.ordered(day)
    if given is None:
        why = "nobody has ordered that: a privacy officer does, with `partywall keys destroy`"
    elif Role.APPROVER not in person.roles or not _is_second(person, given):
        why = f"that is for a second person: {ORDER_HOW}"
    else:
        why = why_not(day)
        if why is None:
            gate.write(person, _ACT, "allowed", None, {"day": day, "ordered_by": given.by})
            return given
    gate.write(person, _ACT, "refused", None, {"day": day, "why": why})
    raise RefusedError(why)


def carried_out(gate: Gate, day: int) -> None:
    """Take the order of a day off the list."""
    with gate.store.writing() as store:
        store.forget_order(day)


def _is_second(person: Person, given: Order) -> bool:
    # A provider may write one person's name in two ways.
    return person.name.casefold() != given.by.casefold() and not (
        given.team is not None and person.team == given.team
    )
