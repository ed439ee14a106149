"""Questions to the case store, answered as of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, exists, func, select

from pipeline import scope as scopes
from pipeline.cases.life import Case, Decision, Kind, Request, State
from pipeline.cases.tables import CASES, DECISIONS, ENTRIES, HISTORY, ORDERS, REQUESTS, SHOWN
from pipeline.cases.texts import Texts
from pipeline.database import Database
from pipeline.scope import Scope

PURGED: Final = "purged"
"""What the history says once nothing is left of a case that was purged, in no file."""

AT_ONCE: Final = 5_000
"""Values in one statement: databases bound them."""

_NOTHING: Final = b""


@dataclass(frozen=True, slots=True)
class Added:
    """Something added to a case: ``kind`` says what, ``text`` is the person's own or JSON."""

    number: int
    kind: str
    by: str
    at: int
    text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was carried out, and its entry in the audit log."""

    entry: int
    leaf: str
    act: str
    actor: str
    at: int


@dataclass(frozen=True, slots=True)
class Order:
    """A day whose keys somebody wants destroyed: who, of which team, and when."""

    day: int
    by: str
    team: str | None
    at: int


class Reading:
    """Questions to the store."""

    def __init__(self, connection: Connection, kek: bytes | None) -> None:
        """Without a ``kek`` whatever is sealed reads as empty, and a hold as living."""
        self._connection = connection
        self._kek = kek

    def case(self, case_id: str) -> Case | None:
        """Return a case, None where there is none of that name."""
        row = self._connection.execute(select(CASES).where(CASES.c.id == case_id)).first()
        return None if row is None else self._case(row)

    def cases(self) -> list[Case]:
        """Return all cases, oldest first."""
        rows = self._connection.execute(select(CASES).order_by(CASES.c.number)).all()
        return [self._case(row) for row in rows]

    def emergencies(self, requester: str) -> list[tuple[int, bool]]:
        """Return of each emergency of a person when it was opened, and whether it still waits."""
        waiting = {case for case, _, _ in self.unratified()}
        rows = self._connection.execute(
            select(CASES.c.id, CASES.c.requester, CASES.c.opened).where(CASES.c.emergency)
        ).all()
        mine = [row for row in rows if row.requester.casefold() == requester.casefold()]
        return [(row.opened or 0, row.id in waiting) for row in mine]

    def unratified(self) -> list[tuple[str, str, int]]:
        """Return (case, requester, by when) of each emergency that waits to be ratified."""
        query = (
            select(CASES.c.id, CASES.c.requester, CASES.c.ratify_by)
            .join(REQUESTS, REQUESTS.c.case_id == CASES.c.id)
            .where(REQUESTS.c.kind == Kind.RATIFY.value, REQUESTS.c.state == "pending")
            .where(CASES.c.state != State.PURGED.value)
            .order_by(CASES.c.number)
        )
        rows = self._connection.execute(query).all()
        return [(row.id, row.requester, row.ratify_by or 0) for row in rows]

    def over_by(self, moment: int) -> list[str]:
        """Return the cases that were over at a moment, among others: there may be later acts.

        Cheap: no other case was, and nothing is opened.
        """
        over = func.coalesce(CASES.c.ended, CASES.c.expires, CASES.c.made)
        query = select(CASES.c.id).where(CASES.c.state != State.PURGED.value, over <= moment)
        return list(self._connection.execute(query.order_by(CASES.c.number)).scalars())

    def half_purged(self) -> list[str]:
        """Return the cases that are purged and may have left something in a file."""
        done = exists().where(HISTORY.c.case_id == CASES.c.id, HISTORY.c.act == PURGED)
        query = select(CASES.c.id).where(CASES.c.state == State.PURGED.value, ~done)
        return list(self._connection.execute(query.order_by(CASES.c.number)).scalars())

    def added(self, case_id: str, kind: str | None = None) -> list[Added]:
        """Return what was added to a case, all of it or of one kind, in order."""
        texts = self.texts(case_id)
        query = select(ENTRIES).where(ENTRIES.c.case_id == case_id).order_by(ENTRIES.c.number)
        if kind is not None:
            query = query.where(ENTRIES.c.kind == kind)
        rows = self._connection.execute(query).all()
        return [
            Added(r.number, r.kind, r.made_by, r.at, _opened(texts, r.kind, r.sealed_text))
            for r in rows
        ]

    def holding(self, kind: str) -> list[str]:
        """Return the cases to which something of a kind was added, oldest first."""
        rows = self._connection.execute(
            select(CASES.c.id)
            .where(CASES.c.id.in_(select(ENTRIES.c.case_id).where(ENTRIES.c.kind == kind)))
            .order_by(CASES.c.number)
        )
        return [case_id for (case_id,) in rows]

    def history(self, case_id: str | None = None) -> list[Done]:
        """Return what was carried out in a case, or at all, in order."""
        query = select(HISTORY).order_by(HISTORY.c.number)
        if case_id is not None:
            query = query.where(HISTORY.c.case_id == case_id)
        rows = self._connection.execute(query).all()
        return [Done(row.entry, row.leaf, row.act, row.actor, row.at) for row in rows]

    def ordered(self, day: int) -> Order | None:
        """Return the order to destroy a day, None where there is none."""
        row = self._connection.execute(select(ORDERS).where(ORDERS.c.day == day)).first()
        return None if row is None else Order(row.day, row.made_by, row.team, row.at)

    def shown(self, case_id: str) -> int:
        """Return how many records a case has shown."""
        query = select(func.count()).select_from(SHOWN).where(SHOWN.c.case_id == case_id)
        return int(self._connection.execute(query).scalar_one())

    def unseen(self, case_id: str, records: Iterable[bytes]) -> list[bytes]:
        """Return which of these records a case has not shown yet, each once, in order."""
        wanted = list(dict.fromkeys(records))
        known: set[bytes] = set()
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            query = select(SHOWN.c.record).where(
                SHOWN.c.case_id == case_id, SHOWN.c.record.in_(part)
            )
            known.update(bytes(one) for (one,) in self._connection.execute(query))
        return [one for one in wanted if one not in known]

    def texts(self, case_id: str) -> Texts | None:
        """Return what opens a case's texts, None once it is purged."""
        query = select(CASES.c.wrapped_key).where(CASES.c.id == case_id)
        wrapped = self._connection.execute(query).scalar_one_or_none()
        if self._kek is None:
            return None
        return None if wrapped is None else Texts(self._kek, case_id, bytes(wrapped))

    def _case(self, row: Row[Any]) -> Case:
        texts = self.texts(row.id)
        return Case(
            id=row.id,
            requester=row.requester,
            team=row.team,
            category=row.category,
            policy=row.policy,
            made=row.made,
            stored=State(row.state),
            reason=_opened(texts, "reason", row.sealed_reason).decode(),
            reference=_opened(texts, "reference", row.sealed_reference).decode(),
            scope=_scope(texts, "scope", row.sealed_scope),
            asked=_scope(texts, "asked", row.sealed_asked),
            emergency=row.emergency,
            opened=row.opened,
            expires=row.expires,
            ended=row.ended,
            due=row.due,
            ratify_by=row.ratify_by,
            ratified=row.ratified,
            read=self.shown(row.id),
            requests=tuple(self._requests(row.id, texts)),
            held=self._held(row.id),
        )

    def _held(self, case_id: str) -> bool:
        """Tell whether a legal hold of a case lives: one that was begun, and not released."""
        said = [orjson.loads(one.text or b"{}") for one in self.added(case_id, "hold")]
        state = {one.get("hold"): one.get("state") for one in said}
        return bool(set(state.values()) - {"released"})

    def _requests(self, case_id: str, texts: Texts | None) -> Iterator[Request]:
        rows = self._connection.execute(
            select(REQUESTS).where(REQUESTS.c.case_id == case_id).order_by(REQUESTS.c.number)
        ).all()
        for row in rows:
            yield Request(
                number=row.number,
                kind=Kind(row.kind),
                by=row.made_by,
                team=row.team,
                at=row.at,
                needed=row.needed,
                state=row.state,
                hours=row.hours,
                scope=_scope(texts, "request", row.sealed_scope),
                told=_opened(texts, "told", row.sealed_told).decode(),
                decisions=tuple(self._decisions(row.number, texts)),
            )

    def _decisions(self, request: int, texts: Texts | None) -> Iterator[Decision]:
        rows = self._connection.execute(
            select(DECISIONS).where(DECISIONS.c.request == request).order_by(DECISIONS.c.number)
        ).all()
        for row in rows:
            reason = _opened(texts, "decision", row.sealed_reason).decode()
            yield Decision(row.made_by, row.at, row.approved, reason)


def _opened(texts: Texts | None, place: str, sealed: bytes | None) -> bytes:
    return _NOTHING if texts is None or sealed is None else texts.open(place, bytes(sealed))


def _scope(texts: Texts | None, place: str, sealed: bytes | None) -> Scope | None:
    data = _opened(texts, place, sealed)
    return scopes.read(data) if data else None


def remembered(database: Database) -> list[tuple[int, str]]:
    """Return index and leaf hash of every entry of the audit log that an act was carried out by."""
    with database.reading() as connection:
        rows = connection.execute(select(HISTORY.c.entry, HISTORY.c.leaf)).all()
    return [(entry, leaf) for entry, leaf in rows]
