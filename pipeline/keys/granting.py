"""What the key service checks of a grant itself.

Who may approve is the cases' to know; the key service takes their word for names. What it does not
take their word for is here: how many approvals the policy wants for a category, that none is the
requester's, that a grant ends when the policy says, and that no approval serves a closed case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from pipeline.errors import RefusedError
from pipeline.keys.asking import Grant
from pipeline.keys.rules import HOUR
from pipeline.policy import Investigations

SKEW: Final = 60
"""Seconds that the clocks of two machines may differ."""
_FRESH: Final = 5 * 60
"""Seconds within which an emergency has to reach the service."""


def check(
    grant: Grant,
    before: Grant | None,
    rules: Investigations,
    now: int,
    emergencies: Sequence[int] = (),
) -> None:
    """Raise RefusedError unless the policy allows ``grant``; ``before`` is the case's last one.

    ``emergencies`` are the moments at which the requester's emergencies of other cases were opened.
    """
    category = rules.categories.get(grant.category)
    if category is None:
        raise RefusedError("grant: the policy knows no such category; choose one that it lists")
    if not now < grant.expires or grant.opened > now + SKEW or grant.opened > grant.expires:
        raise RefusedError("grant: its time is over, or has not begun; have it approved again")
    by = {approval.by.casefold() for approval in grant.approvals}
    if grant.requester.casefold() in by:
        raise RefusedError("grant: the requester approved it; another person has to")
    if any(approval.at > now + SKEW for approval in grant.approvals):
        raise RefusedError("grant: an approval is dated ahead; set the machines' clocks")
    if grant.kind == "emergency":
        _check_emergency(grant, before, rules, now, emergencies)
        return
    if len(by) < category.approvers:
        raise RefusedError(
            f"grant: the policy wants {category.approvers} approvers for {grant.category}; "
            "ask another one"
        )
    last = max(approval.at for approval in grant.approvals)
    if grant.expires > last + rules.open_hours * HOUR:
        raise RefusedError(
            f"grant: ends more than {rules.open_hours} hours after its last approval; have an "
            "extension approved"
        )
    if grant.expires > grant.opened + rules.most_open_hours * HOUR:
        raise RefusedError(
            f"grant: keeps the case open for more than {rules.most_open_hours} hours in all; "
            "open a new case"
        )
    revoked = None if before is None else before.revoked
    if revoked is not None and any(approval.at <= revoked for approval in grant.approvals):
        raise RefusedError("grant: the case was closed after this approval; have it approved again")


def _check_emergency(
    grant: Grant,
    before: Grant | None,
    rules: Investigations,
    now: int,
    emergencies: Sequence[int],
) -> None:
    if any(opened > now - rules.ratify_hours * HOUR for opened in emergencies):
        raise RefusedError(
            f"grant: one emergency a person within {rules.ratify_hours} hours; have this approved"
        )
    if len(grant.scope.sites) != 1:
        raise RefusedError("grant: an emergency reaches one site; request the others normally")
    if grant.expires > grant.opened + rules.emergency_minutes * 60 or now > grant.opened + _FRESH:
        raise RefusedError(
            f"grant: an emergency lasts {rules.emergency_minutes} minutes from now at most; "
            "have the case approved for longer"
        )
    if before is not None and not same(grant, before):
        raise RefusedError("grant: the case had a grant before; an emergency is its first, once")


def same(one: Grant, other: Grant) -> bool:
    """Tell whether two grants say the same: a repeat after a failure is no second grant."""
    return asdict(one) | {"number": 0} == asdict(other) | {"number": 0}
