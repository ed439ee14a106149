"""Changes to the case store, within one transaction."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.cases.life import Decision, Request, State
from pipeline.cases.reading import AT_ONCE, Done, Order, Reading
from pipeline.cases.tables import CASES, DECISIONS, ENTRIES, HISTORY, ORDERS, REQUESTS, SHOWN
from pipeline.cases.texts import Texts
from pipeline.scope import Scope


class Writing(Reading):
    """Changes to the store, within one transaction."""

    def __init__(self, connection: Connection, kek: bytes, *, sqlite: bool) -> None:
        super().__init__(connection, kek)
        self._wrapping = kek
        self._sqlite = sqlite

    def next_id(self) -> str:
        """Return the name of the next case: ``C-1`` and so on."""
        highest = self._connection.execute(select(func.max(CASES.c.number))).scalar()
        return f"C-{(highest or 0) + 1}"

    def make(self, case_id: str, *, reason: str, reference: str, asked: Scope, **said: Any) -> None:  # noqa: ANN401 -- columns of the table
        """Add a draft; ``said`` are plain columns of CASES."""
        key = Texts.new_key(self._wrapping)
        texts = Texts(self._wrapping, case_id, key)
        self._connection.execute(
            CASES.insert().values(
                id=case_id,
                number=int(case_id.removeprefix("C-")),
                state=State.DRAFT.value,
                wrapped_key=key,
                sealed_reason=texts.seal("reason", reason.encode()),
                sealed_reference=texts.seal("reference", reference.encode()),
                sealed_asked=texts.seal("asked", asked.canonical()),
                **said,
            )
        )

    def change(self, case_id: str, *, scope: Scope | None = None, asked: Scope | None = None,
               **said: Any) -> None:  # fmt: skip  # noqa: ANN401 -- columns of the table
        """Set plain columns of a case, and its scopes where they are given."""
        texts = self._sealing(case_id)
        if scope is not None:
            said["sealed_scope"] = texts.seal("scope", scope.canonical())
        if asked is not None:
            said["sealed_asked"] = texts.seal("asked", asked.canonical())
        self._connection.execute(update(CASES).where(CASES.c.id == case_id).values(**said))

    def ask(self, case_id: str, request: Request) -> None:
        """Add a request; its number is given here."""
        texts = self._sealing(case_id)
        self._connection.execute(
            REQUESTS.insert().values(
                case_id=case_id,
                kind=request.kind.value,
                made_by=request.by,
                team=request.team,
                at=request.at,
                needed=request.needed,
                state=request.state,
                hours=request.hours,
                sealed_scope=None
                if request.scope is None
                else texts.seal("request", request.scope.canonical()),
                sealed_told=texts.seal("told", request.told.encode()),
            )
        )

    def decide(self, case_id: str, request: int, decision: Decision, state: str) -> None:
        """Add a decision and set the state of its request."""
        reason = self._sealing(case_id).seal("decision", decision.reason.encode())
        self._connection.execute(
            DECISIONS.insert().values(
                request=request,
                made_by=decision.by,
                at=decision.at,
                approved=decision.approved,
                sealed_reason=reason,
            )
        )
        self.settle(request, state)

    def settle(self, request: int, state: str) -> None:
        """Set the state of a request."""
        self._connection.execute(
            update(REQUESTS).where(REQUESTS.c.number == request).values(state=state)
        )

    def add(self, case_id: str, kind: str, by: str, at: int, text: bytes) -> int:
        """Add something to a case; return its number."""
        sealed = self._sealing(case_id).seal(kind, text)
        done = self._connection.execute(
            ENTRIES.insert().values(
                case_id=case_id, kind=kind, made_by=by, at=at, sealed_text=sealed
            )
        )
        assert done.inserted_primary_key is not None  # noqa: S101 -- the table has one
        return int(done.inserted_primary_key[0])

    def remember(self, case_id: str | None, done: Done) -> None:
        """Add an act that is being carried out, with its entry in the audit log."""
        self._connection.execute(
            HISTORY.insert().values(
                case_id=case_id,
                entry=done.entry,
                leaf=done.leaf,
                act=done.act,
                actor=done.actor,
                at=done.at,
            )
        )

    def order(self, order: Order) -> None:
        """Put down that a day is to be destroyed, in the place of an older order for it."""
        self.forget_order(order.day)
        self._connection.execute(
            ORDERS.insert().values(day=order.day, made_by=order.by, team=order.team, at=order.at)
        )

    def forget_order(self, day: int) -> None:
        """Take an order off the list."""
        self._connection.execute(ORDERS.delete().where(ORDERS.c.day == day))

    def show(self, case_id: str, records: list[bytes]) -> None:
        """Count records as shown; those that were shown before count once."""
        insert = sqlite.insert(SHOWN) if self._sqlite else postgresql.insert(SHOWN)
        for start in range(0, len(records), AT_ONCE):
            part = records[start : start + AT_ONCE]
            rows = [{"case_id": case_id, "record": one} for one in part]
            self._connection.execute(insert.on_conflict_do_nothing(), rows)

    def purge(self, case_id: str, at: int) -> None:
        """Delete what a case holds, its key first; who asked, when and the history stay."""
        for table in (ENTRIES, SHOWN):
            self._connection.execute(table.delete().where(table.c.case_id == case_id))
        mine = select(REQUESTS.c.number).where(REQUESTS.c.case_id == case_id)
        blank = {"sealed_reason": None}
        self._connection.execute(
            update(DECISIONS).where(DECISIONS.c.request.in_(mine)).values(blank)
        )
        self._connection.execute(
            update(REQUESTS)
            .where(REQUESTS.c.case_id == case_id)
            .values(sealed_scope=None, sealed_told=None)
        )
        self._connection.execute(
            update(CASES)
            .where(CASES.c.id == case_id)
            .values(
                state=State.PURGED.value,
                ended=func.coalesce(CASES.c.ended, at),
                wrapped_key=None,
                sealed_reason=None,
                sealed_reference=None,
                sealed_scope=None,
                sealed_asked=None,
            )
        )

    def _sealing(self, case_id: str) -> Texts:
        texts = self.texts(case_id)
        assert texts is not None  # noqa: S101 -- nothing is added to what is purged
        return texts


def record_id(salt: str, partition: str, offset: int, line: int) -> bytes:
    """Return the digest by which a record is counted as shown: of where it came from.

    ``salt`` is the case's, so that the digest tells nobody which record it was.
    """
    place = f"{partition} {offset} {line}".encode()
    return hashlib.blake2b(place, key=salt.encode(), digest_size=16).digest()
