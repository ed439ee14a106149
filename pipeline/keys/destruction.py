"""Destroys keys in steps that may stop anywhere: receipt, audit entry, deletion, wiping.

Nothing is destroyed that the audit log does not hold yet. Each step writes that it is done, and the
next try goes on behind the last one that was: a second audit entry for one receipt is all that a
stop in between can leave. What is on its way out is lent no more (:mod:`pipeline.keys.store`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, insert, or_, select, update
from sqlalchemy.engine import Row

from pipeline.audit.entry import Entry
from pipeline.audit.signing import Signer
from pipeline.clock import Clock
from pipeline.database import Database
from pipeline.keys import receipts
from pipeline.keys.receipts import Doomed, Receipt, Why
from pipeline.keys.record import ACTOR, Recording
from pipeline.keys.rules import Rules, seconds
from pipeline.keys.tables import (
    SECRET,
    ended,
    hold_keys,
    pseudonym_keys,
    released_holds,
    sealing_keys,
    spent,
)
from pipeline.keys.tables import receipts as table


class Destruction:
    """Orders destructions and carries them out."""

    def __init__(
        self, database: Database, rules: Rules, clock: Clock, signer: Signer, log: Recording
    ) -> None:
        """Take the store's database, and who signs and keeps what is done."""
        self._database = database
        self._rules = rules
        self._clock = clock
        self._signer = signer
        self._log = log

    def expire(self) -> int:
        """Destroy what was ordered and what is due; return how many keys that were.

        Raises UnavailableError to try again, IntegrityError where the store is damaged.
        """
        count = self._carry_out()
        with self._database.writing() as connection:
            # Another service may have ordered some of them meanwhile.
            named = _named(connection)
            due = [
                key
                for key in due_keys(connection, self._rules, seconds(self._clock()))
                if key.digest not in named
            ]
            self._order(connection, due, "retention")
        return count + (self._carry_out() if due else 0)

    def end_ingest(self, ingest: str) -> int:
        """Destroy the keys of a backfill, which gets no more; return how many there were."""

        def chosen(connection: Connection) -> list[Doomed]:
            add_once(connection, ended, ingest=ingest)
            rows = connection.execute(
                select(pseudonym_keys.c.day).where(pseudonym_keys.c.ingest == ingest)
            ).scalars()
            return [Doomed("pseudonym", ingest, day, None) for day in rows]

        return self._by_word(chosen, "ingest ended")

    def destroy_day(self, day: int) -> int:
        """Destroy a day's sealing key before its time; return how many there were."""

        def chosen(connection: Connection) -> list[Doomed]:
            mine = select(sealing_keys.c.key_id).where(sealing_keys.c.day == day)
            ids = connection.execute(mine).scalars().all()
            return [Doomed("sealing", key_id, day, None) for key_id in ids]

        return self._by_word(chosen, "ordered")

    def release_hold(self, hold: str) -> int:
        """Destroy the keys of a legal hold, whose name gets no others; return how many: 0 or 1."""

        def chosen(connection: Connection) -> list[Doomed]:
            mine = hold_keys.c.hold == hold
            made = connection.execute(select(hold_keys.c.made).where(mine)).scalar_one_or_none()
            if made is None:
                return []
            connection.execute(update(hold_keys).where(mine).values(releasing=1))
            return [Doomed("hold", hold, made // (24 * 3600), None)]

        return self._by_word(chosen, "hold released")

    def receipts(self) -> list[Receipt]:
        """Return every receipt, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.ordered, table.c.digest))
            return [_receipt(row) for row in rows]

    def _by_word(self, chosen: Callable[[Connection], list[Doomed]], why: Why) -> int:
        self._carry_out()  # so that no receipt names what another one names already
        with self._database.writing() as connection:
            self._order(connection, chosen(connection), why)
        return self._carry_out()

    def _order(self, connection: Connection, keys: Sequence[Doomed], why: Why) -> None:
        now = seconds(self._clock())
        for start in range(0, len(keys), receipts.MOST_KEYS):
            part = keys[start : start + receipts.MOST_KEYS]
            note = receipts.write(self._signer, part, why, self._rules.policy, now)
            connection.execute(
                insert(table).values(digest=receipts.digest_of(note), ordered=now, note=note)
            )

    def _carry_out(self) -> int:
        with self._database.reading() as connection:
            unfinished = select(table).where(or_(table.c.done.is_(None), table.c.wiped.is_(None)))
            pending = [_receipt(row) for row in connection.execute(unfinished)]
        if not pending:
            return 0
        for receipt in pending:
            if receipt.entry is None:
                self._tell(receipt)
        count = sum(self._delete(receipt) for receipt in pending if receipt.done is None)
        self._database.wipe(*SECRET)
        for receipt in pending:
            self._mark(receipt, wiped=seconds(self._clock()))
        return count

    def _tell(self, receipt: Receipt) -> None:
        told = receipt.told
        written = self._log.append(
            Entry(
                time=self._clock(),
                actor=ACTOR,
                act="keys.destroy",
                outcome="allowed",
                facts={
                    "receipt": receipt.digest,
                    "why": told["why"],
                    "policy": told["policy"],
                    "keys": len(told["keys"]),
                    "key_digests": [key["key"] for key in told["keys"]],
                },
            )
        )
        self._mark(receipt, entry=written.index, leaf=written.leaf)

    def _delete(self, receipt: Receipt) -> int:
        keys = receipt.told["keys"]
        with self._database.writing() as connection:
            count = sum(_delete(connection, kind, keys) for kind in ("sealing", "hold"))
            for ingest in sorted({key["ingest"] for key in keys if key["kind"] == "pseudonym"}):
                days = [key["day"] for key in keys if key.get("ingest") == ingest]
                count += _delete_pseudonyms(connection, ingest, days)
            mine = and_(table.c.digest == receipt.digest, table.c.done.is_(None))
            connection.execute(update(table).where(mine).values(done=seconds(self._clock())))
        return count

    def _mark(self, receipt: Receipt, **values: int | str) -> None:
        with self._database.writing() as connection:
            mine = table.c.digest == receipt.digest
            connection.execute(update(table).where(mine).values(**values))


def due_keys(connection: Connection, rules: Rules, now: int) -> Iterable[Doomed]:
    """Yield the keys that should be gone at ``now`` (seconds since 1970 UTC)."""
    rows = connection.execute(select(sealing_keys.c.key_id, sealing_keys.c.day))
    for key_id, day in rows.all():
        if (due := rules.sealing_due(day)) <= now:
            yield Doomed("sealing", key_id, day, due)
    columns = pseudonym_keys.c
    for ingest, day, made in connection.execute(
        select(columns.ingest, columns.day, columns.made)
    ).all():
        if (due := rules.pseudonym_due(ingest, day, made)) <= now:
            yield Doomed("pseudonym", ingest, day, due)


def add_once(connection: Connection, into: Table, **values: object) -> None:
    """Insert a row of nothing but its key, unless it is there; the writers' lock is held."""
    same = and_(*(into.c[name] == value for name, value in values.items()))
    if connection.execute(select(into).where(same)).first() is None:
        connection.execute(insert(into).values(**values))


def _delete(connection: Connection, kind: str, keys: Sequence[dict[str, Any]]) -> int:
    count = 0
    for key in keys:
        if key["kind"] != kind:
            continue
        if kind == "sealing":
            gone = delete(sealing_keys).where(sealing_keys.c.key_id == _key_id(connection, key))
        else:
            add_once(connection, released_holds, hold=key["hold"])
            gone = delete(hold_keys).where(hold_keys.c.hold == key["hold"])
        count += connection.execute(gone).rowcount
    return count


def _key_id(connection: Connection, key: dict[str, Any]) -> str | None:
    """Return the id of the sealing key that a receipt names by its digest."""
    mine = select(sealing_keys.c.key_id).where(sealing_keys.c.day == key["day"])
    ids = connection.execute(mine).scalars()
    return next((i for i in ids if receipts.key_digest(i) == key["key"]), None)


def _named(connection: Connection) -> set[str]:
    """Return the digests of the keys in receipts that are not carried out yet."""
    notes = connection.execute(select(table).where(table.c.done.is_(None))).all()
    return {key["key"] for row in notes for key in _receipt(row).told["keys"]}


def _delete_pseudonyms(connection: Connection, ingest: str, days: Sequence[int]) -> int:
    """Delete an ingest's keys and remember their days, unless the ingest has ended as a whole."""
    if connection.execute(select(ended).where(ended.c.ingest == ingest)).first() is None:
        mine = and_(spent.c.ingest == ingest, spent.c.day.in_(days))
        known = set(connection.execute(select(spent.c.day).where(mine)).scalars())
        if new := [{"ingest": ingest, "day": day} for day in days if day not in known]:
            connection.execute(insert(spent), new)
    else:
        connection.execute(delete(spent).where(spent.c.ingest == ingest))
    own = and_(pseudonym_keys.c.ingest == ingest, pseudonym_keys.c.day.in_(days))
    return connection.execute(delete(pseudonym_keys).where(own)).rowcount


def _receipt(row: Row[tuple[object, ...]]) -> Receipt:
    found = row._mapping  # noqa: SLF001 -- SQLAlchemy's public name for it
    return Receipt(**{name: found[name] for name in Receipt.__slots__})
