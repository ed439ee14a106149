"""Grants as they are kept: the newest of each case, in the key store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import insert, select, update

from pipeline import scope as scopes
from pipeline.database import Database
from pipeline.errors import RefusedError
from pipeline.keys.asking import Approval, Grant
from pipeline.keys.granting import same
from pipeline.keys.tables import grants as table


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
