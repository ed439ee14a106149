"""Grants: what the key service was told a case may reach, and what it checks of it itself.

Who may approve is the cases' to know; the key service takes their word for names. What it does not
take their word for is in :func:`check`: how many approvals the policy wants for a category, that
none is the requester's, that a grant ends when the policy says, and that no approval serves twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

import orjson
from sqlalchemy import insert, select, update

from pipeline import scope as scopes
from pipeline.database import Database
from pipeline.errors import RefusedError
from pipeline.keys.tables import grants as table
from pipeline.policy import Investigations
from pipeline.scope import Scope

Kind = Literal["normal", "emergency"]
HOUR: Final = 3600
SKEW: Final = 60
"""Seconds that the clocks of two machines may differ."""
_FRESH: Final = 5 * 60
"""Seconds within which an emergency has to reach the service."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved, by sign-in name, and when (seconds since 1970 UTC)."""

    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a case may reach from ``opened`` to ``expires`` (seconds since 1970 UTC).

    ``number`` counts the grants of a case, from 1; 0 before it is stored.
    """

    case: str
    kind: Kind
    category: str
    scope: Scope = field(repr=False)
    requester: str
    approvals: tuple[Approval, ...]
    opened: int
    expires: int
    number: int = 0
    revoked: int | None = None

    def alive(self, now: int) -> bool:
        """Tell whether it still lets anybody in."""
        return self.revoked is None and now < self.expires


def check(grant: Grant, before: Grant | None, rules: Investigations, now: int) -> None:
    """Raise RefusedError unless the policy allows ``grant``; ``before`` is the case's last one."""
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
        _check_emergency(grant, before, rules, now)
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


def _check_emergency(grant: Grant, before: Grant | None, rules: Investigations, now: int) -> None:
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


class Grants:
    """The newest grant of each case, in the key store."""

    def __init__(self, database: Database) -> None:
        """Take the key store's database."""
        self._database = database

    def of(self, case: str) -> Grant | None:
        """Return the newest grant of a case, None where it never had one."""
        with self._database.reading() as connection:
            row = connection.execute(select(table).where(table.c.case_id == case)).first()
        return None if row is None else _grant(row._mapping)  # noqa: SLF001 -- a public name

    def put(self, grant: Grant) -> Grant:
        """Put a grant in the place of the case's last one and return it with its number."""
        before = self.of(grant.case)
        if before is not None and same(grant, before):
            return before
        number = 1 if before is None else before.number + 1
        values = {
            "number": number,
            "kind": grant.kind,
            "category": grant.category,
            "scope": grant.scope.canonical(),
            "requester": grant.requester,
            "approvals": orjson.dumps([asdict(approval) for approval in grant.approvals]),
            "opened": grant.opened,
            "expires": grant.expires,
            "revoked": grant.revoked,
        }
        with self._database.writing() as connection:
            if before is None:
                connection.execute(insert(table).values(case_id=grant.case, **values))
            else:
                # Only over the one that was looked at: another service may have been faster.
                seen = (table.c.case_id == grant.case) & (table.c.number == before.number)
                if connection.execute(update(table).where(seen).values(**values)).rowcount != 1:
                    raise RefusedError("grant: the case was changed meanwhile; look at it again")
        found = self.of(grant.case)
        return grant if found is None else found

    def revoke(self, case: str, now: int) -> bool:
        """End a case's grant at once; tell whether there was one alive."""
        mine = (table.c.case_id == case) & table.c.revoked.is_(None)
        with self._database.writing() as connection:
            return connection.execute(update(table).where(mine).values(revoked=now)).rowcount == 1


def _grant(row: Any) -> Grant:  # noqa: ANN401 -- a mapping of one row
    approvals: Sequence[dict[str, Any]] = orjson.loads(row["approvals"])
    return Grant(
        case=row["case_id"],
        kind=row["kind"],
        category=row["category"],
        scope=scopes.read(row["scope"]),
        requester=row["requester"],
        approvals=tuple(Approval(**approval) for approval in approvals),
        opened=row["opened"],
        expires=row["expires"],
        number=row["number"],
        revoked=row["revoked"],
    )
