"""What an approval or a denial changes in a case."""

from __future__ import annotations

from typing import Final, assert_never

from pipeline.cases.life import Decision, Kind, Request, State
from pipeline.cases.permission import Going
from pipeline.policy import Investigations

_HOUR: Final = 3600


def approve(going: Going, decision: Decision, terms: Investigations) -> None:
    """Add an approval; where it is the last one needed, do what was asked for."""
    request = _pending(going)
    if len(request.approvals) + 1 < request.needed:
        going.store.decide(going.case.id, request.number, decision, "pending")
        return
    going.store.decide(going.case.id, request.number, decision, "approved")
    _carry_out(going, request, terms)


def deny(going: Going, decision: Decision) -> None:
    """Add a denial: what was asked for is refused.

    A case that was not open yet is denied; an emergency that somebody refuses to ratify ends.
    """
    request = _pending(going)
    going.store.decide(going.case.id, request.number, decision, "denied")
    if request.kind is Kind.OPEN:
        going.store.change(going.case.id, state=State.DENIED.value)
    elif request.kind is Kind.RATIFY:
        going.store.change(going.case.id, state=State.CLOSED.value, ended=going.now)


def _carry_out(going: Going, request: Request, terms: Investigations) -> None:
    case, store, now = going.case, going.store, going.now
    match request.kind:
        case Kind.OPEN:
            hours = request.hours or terms.open_hours
            store.change(
                case.id,
                state=State.OPEN.value,
                scope=request.scope or case.asked,
                opened=now,
                expires=now + hours * _HOUR,
            )
        case Kind.EXTEND:
            latest = (case.opened or now) + terms.most_open_hours * _HOUR
            expires = now + (request.hours or 0) * _HOUR
            store.change(case.id, expires=max(case.expires or now, min(expires, latest)))
        case Kind.WIDEN:
            store.change(case.id, scope=request.scope)
        case Kind.RATIFY:
            store.change(case.id, ratified=now)
        case Kind.HOLD | Kind.ERASE:
            pass  # an agreement alone: its requester carries it out, record by record
        case unknown:
            assert_never(unknown)


def _pending(going: Going) -> Request:
    request = going.case.pending
    assert request is not None  # noqa: S101 -- the act was weighed
    return request
