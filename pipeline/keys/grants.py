"""Grants as they are kept: the newest of each case, in the key store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson
from sqlalchemy import insert, select, update

from pipeline import scope as scopes
from pipeline.database import Database
from pipeline.errors import RefusedError
from pipeline.keys.asking import Approval, Grant
from pipeline.keys.granting import same
from pipeline.keys.tables import grants as table
from pipeline.keys.wrapping import Wrapping
from pipeline.scope import Scope, Selectors

NOBODY: Final = Scope(("none",), 0, 0, Selectors(chats=("none",)))
"""What a grant reaches that has ended."""

_NOTHING: Final = b""


class Grants:
    """The newest grant of each case, in the key store; its scope is sealed there while it lives."""

    def __init__(self, database: Database, wrapping: Wrapping) -> None:
        """Take the key store's database, and what seals a scope in it."""
        self._database = database
        self._wrapping = wrapping

    def of(self, case: str) -> Grant | None:
        """Return the newest grant of a case, None where it never had one."""
        with self._database.reading() as connection:
            row = connection.execute(select(table).where(table.c.case_id == case)).first()
        return None if row is None else self._grant(row._mapping)  # noqa: SLF001 -- a public name

    def emergencies(self, grant: Grant) -> list[int]:
        """Return when emergencies of the same requester in other cases were opened."""
        query = select(table.c.requester, table.c.opened).where(
            table.c.kind == "emergency", table.c.case_id != grant.case
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        mine = grant.requester.casefold()
        return [opened for requester, opened in rows if requester.casefold() == mine]

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
            "scope": self._wrapping.seal(grant.case, grant.scope.canonical()),
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
            ended = update(table).where(mine).values(revoked=now, scope=_NOTHING)
            return connection.execute(ended).rowcount == 1

    def forget(self, now: int) -> None:
        """Take the scopes of grants whose time is over from the store."""
        over = (table.c.expires <= now) & (table.c.scope != _NOTHING)
        with self._database.reading() as connection:
            if connection.execute(select(table.c.case_id).where(over)).first() is None:
                return
        with self._database.writing() as connection:
            connection.execute(update(table).where(over).values(scope=_NOTHING))

    def _grant(self, row: Any) -> Grant:  # noqa: ANN401 -- a mapping of one row
        approvals: Sequence[dict[str, Any]] = orjson.loads(row["approvals"])
        sealed = bytes(row["scope"])
        scope = NOBODY if not sealed else scopes.read(self._wrapping.open(row["case_id"], sealed))
        return Grant(
            case=row["case_id"],
            kind=row["kind"],
            category=row["category"],
            scope=scope,
            requester=row["requester"],
            approvals=tuple(Approval(**approval) for approval in approvals),
            opened=row["opened"],
            expires=row["expires"],
            number=row["number"],
            revoked=row["revoked"],
        )
