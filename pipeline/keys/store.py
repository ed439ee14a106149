"""The key store: keys wrapped, lent while they may be, and nothing left of them once destroyed.

It lies in SQLite or PostgreSQL. Secrets are wrapped with AES key wrap (RFC 3394) under the store's
own key (:mod:`pipeline.keys.wrapping`); :mod:`pipeline.keys.destruction` takes them away.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, and_, insert, not_, select

from pipeline.audit.signing import Signer
from pipeline.clock import Clock
from pipeline.database import Database
from pipeline.keys import pairs
from pipeline.keys.destruction import Destruction, due_keys
from pipeline.keys.kek import Kek
from pipeline.keys.material import KEY_BYTES, PseudonymKey, SealingKey
from pipeline.keys.receipts import Receipt
from pipeline.keys.record import Recording
from pipeline.keys.rules import DAY, GRACE, Rules, day_of, seconds
from pipeline.keys.tables import (
    TABLES,
    clocks,
    ended,
    hold_keys,
    pseudonym_keys,
    sealing_keys,
    spent,
)
from pipeline.keys.wrapping import Wrapping


@dataclass(frozen=True, slots=True)
class Alive:
    """One key that still exists, without its material. Moments are seconds since 1970 UTC.

    ``hold`` and ``case`` are those of a legal hold's key, which has no ``until``.
    """

    kind: str
    ingest: str | None
    day: int
    until: int | None
    made: int
    hold: str | None = None
    case: str | None = None


class Store:
    """All keys there are. Several services may share one: they lend the same."""

    def __init__(
        self,
        database: Database,
        kek: Kek,
        rules: Rules,
        clock: Clock,
        signer: Signer,
        log: Recording,
    ) -> None:
        """Open the store, or make it and its key at the first start.

        ``signer`` signs receipts and ``log`` is told of each destruction before it happens. Raises
        SettingsError where the key-encryption key is missing, none, or another than the store's.
        """
        self.database = database
        try:
            database.create(TABLES)
            self.wrapping = Wrapping(database, kek)
        except BaseException:
            database.close()
            raise
        self._clock = clock
        self._rules = self._since_when(rules)
        self._destruction = Destruction(database, self._rules, clock, signer, log)

    def _since_when(self, rules: Rules) -> Rules:
        """Return the rules with what they were before; note them where they are new."""
        with self.database.writing() as connection:
            rows = connection.execute(select(clocks.c.since, clocks.c.ahead)).all()
            # Before anybody took note of clocks, all were on UTC.
            found = [(0, 0), *sorted((since, ahead) for since, ahead in rows)]
            if found[-1][1] != rules.ahead:
                found.append((max(self.now(), found[-1][0] + 1), rules.ahead))
                connection.execute(insert(clocks).values(since=found[-1][0], ahead=rules.ahead))
        return replace(rules, before=tuple(found))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def sealing(self) -> SealingKey:
        """Return today's sealing key without its private half, made at the first call."""
        return self._sealing(day_of(self._clock()))

    def sealing_ahead(self) -> SealingKey | None:
        """Return tomorrow's sealing key, made ahead of its day; None while that is too early."""
        tomorrow = day_of(self._clock()) + 1
        if not self._rules.may_make_sealing(tomorrow, self.now()):
            return None
        return self._sealing(tomorrow)

    def pseudonym_keys(self, ingest: str, days: Iterable[int]) -> dict[int, PseudonymKey | None]:
        """Return the key of each day; None where it is gone for good or not to be made yet."""
        now, wanted = self.now(), sorted(set(days))
        with self.database.reading() as connection:
            kept = _kept(connection, ingest, wanted)
        if any(day not in kept and self._rules.may_make(ingest, day, now) for day in wanted):
            with self.database.writing() as connection:
                kept = self._made(connection, ingest, wanted, now)
        return {day: self._lent(ingest, day, kept.get(day), now) for day in wanted}

    def living_pseudonym_keys(self, days: Iterable[int]) -> list[tuple[str, int, bytes]]:
        """Return (ingest, day, key) of the pseudonym keys that live; none is made."""
        now, c = self.now(), pseudonym_keys.c
        with self.database.reading() as connection:
            gone = set(connection.execute(select(ended.c.ingest)).scalars())
            rows = connection.execute(
                select(pseudonym_keys).where(c.day.in_(set(days))).order_by(c.ingest, c.day)
            ).all()
        return [
            (row.ingest, row.day, self.wrapping.unwrap(row.wrapped))
            for row in rows
            if row.ingest not in gone
            and self._rules.pseudonym_due(row.ingest, row.day, row.made) > now
        ]

    def private_key(self, key_id: str) -> bytes | None:
        """Return the raw private half of a sealing key or hold, None once it is destroyed.

        No service answers with it.
        """
        found = self._secrets(key_id)
        return None if found is None else self.wrapping.unwrap(found[0])

    def public_key(self, key_id: str) -> bytes | None:
        """Return the raw public half of a sealing key or hold, None once it is destroyed."""
        private = self.private_key(key_id)
        if private is None:
            return None
        key = X25519PrivateKey.from_private_bytes(private)
        return key.public_key().public_bytes_raw()

    def token_key(self, key_id: str) -> bytes | None:
        """Return the token key made with a sealing key or hold, None once it is destroyed."""
        found = self._secrets(key_id)
        return None if found is None else self.wrapping.unwrap(found[1])

    def token_keys(self) -> dict[str, bytes]:
        """Return the token key of each sealing key that lives, by key id; for the reading side."""
        now, c = self.now(), sealing_keys.c
        with self.database.reading() as connection:
            rows = connection.execute(select(c.key_id, c.day, c.wrapped_token).order_by(c.day))
            living = [(k, w) for k, day, w in rows if self._rules.sealing_due(day) > now]
        return {key_id: self.wrapping.unwrap(wrapped) for key_id, wrapped in living}

    def hold_key(self, hold: str, case: str) -> SealingKey:
        """Return the key of a legal hold, made at the first call; its day is that of the making.

        Raises UsageError where the hold was released, or is another case's.
        """
        with self.database.writing() as connection:
            return pairs.of_hold(connection, self.wrapping, hold, case, self.now())

    def case_of_hold(self, hold: str) -> str | None:
        """Return the case of a hold that has a key, None where it has none (any more)."""
        with self.database.reading() as connection:
            query = select(hold_keys.c.case_id).where(hold_keys.c.hold == hold)
            return connection.execute(query).scalar_one_or_none()

    def release_hold(self, hold: str) -> int:
        """Destroy the key of a legal hold; return how many there were: 0 or 1."""
        return self._destruction.release_hold(hold)

    def destroy_day(self, day: int) -> int:
        """Destroy a day's sealing key before its time; return how many there were."""
        return self._destruction.destroy_day(day)

    def end_ingest(self, ingest: str) -> int:
        """Destroy the keys of a backfill and let it make no more; return how many there were."""
        return self._destruction.end_ingest(ingest)

    def expire(self) -> int:
        """Destroy every key that is due; return how many. Raises UnavailableError to try again."""
        return self._destruction.expire()

    def receipts(self) -> list[Receipt]:
        """Return the receipt of each destruction, oldest first."""
        return self._destruction.receipts()

    def now(self) -> int:
        """Return the moment the store lives by, seconds since 1970 UTC."""
        return seconds(self._clock())

    def alive(self) -> list[Alive]:
        """Return which keys exist and until when."""
        p, s, h = pseudonym_keys.c, sealing_keys.c, hold_keys.c
        with self.database.reading() as connection:
            sealing = connection.execute(select(s.day, s.made).order_by(s.day)).all()
            lent = connection.execute(
                select(p.ingest, p.day, p.made).order_by(p.ingest, p.day)
            ).all()
            holds = connection.execute(select(h.hold, h.case_id, h.made).order_by(h.hold)).all()
        rules = self._rules
        return [
            *(Alive("sealing", None, day, rules.sealing_due(day), made) for day, made in sealing),
            *(
                Alive("pseudonym", i, d, rules.pseudonym_due(i, d, made), made)
                for i, d, made in lent
            ),
            *(Alive("hold", None, made // DAY, None, made, hold, c) for hold, c, made in holds),
        ]

    def overdue(self) -> int:
        """Return how many keys outlived their time by more than GRACE: a missed destruction.

        Receipts whose keys are deleted while their bytes are not wiped count as well.
        """
        late = self.now() - GRACE
        with self.database.reading() as connection:
            missed = sum(1 for _ in due_keys(connection, self._rules, late))
        unfinished = [r for r in self.receipts() if r.wiped is None and r.ordered <= late]
        return missed + len(unfinished)

    def status(self) -> dict[str, object]:
        """Return what exists, what should not any more, and the time, as JSON can hold it."""
        return {
            "keys": [asdict(key) for key in self.alive()],
            "overdue": self.overdue(),
            "receipts": len(self.receipts()),
            "policy": self._rules.policy,
            "now": self.now(),
        }

    def _sealing(self, day: int) -> SealingKey:
        with self.database.reading() as connection:
            key = pairs.of_day(connection, self.wrapping, day)
        while key is None:
            with self.database.writing() as connection:
                key = pairs.of_day(connection, self.wrapping, day)
                if key is None:
                    pairs.make_of_day(connection, self.wrapping, day, self.now())
        return key

    def _secrets(self, key_id: str) -> tuple[bytes, bytes] | None:
        with self.database.reading() as connection:
            return pairs.secrets_of(connection, key_id, self._rules, self.now())

    def _made(
        self, connection: Connection, ingest: str, days: Sequence[int], now: int
    ) -> dict[int, tuple[int, bytes]]:
        """Return what is kept of these days, having made what may be made and never was."""
        kept = _kept(connection, ingest, days)
        if connection.execute(select(ended).where(ended.c.ingest == ingest)).first() is not None:
            return {}
        mine = and_(spent.c.ingest == ingest, spent.c.day.in_(days))
        gone = set(connection.execute(select(spent.c.day).where(mine)).scalars())
        rows: list[dict[str, object]] = []
        for day in days:
            if day not in kept and day not in gone and self._rules.may_make(ingest, day, now):
                kept[day] = now, self.wrapping.wrap(os.urandom(KEY_BYTES))
                rows.append({"ingest": ingest, "day": day, "made": now, "wrapped": kept[day][1]})
        if rows:
            connection.execute(insert(pseudonym_keys), rows)
        return kept

    def _lent(
        self, ingest: str, day: int, kept: tuple[int, bytes] | None, now: int
    ) -> PseudonymKey | None:
        if kept is None:
            return None
        due = self._rules.pseudonym_due(ingest, day, kept[0])
        return PseudonymKey(self.wrapping.unwrap(kept[1]), due) if due > now else None


def _kept(connection: Connection, ingest: str, days: Sequence[int]) -> dict[int, tuple[int, bytes]]:
    """Return (made, wrapped) of each day that has a key, none for an ingest that has ended."""
    c = pseudonym_keys.c
    over = select(ended.c.ingest).where(ended.c.ingest == ingest).exists()
    mine = and_(c.ingest == ingest, c.day.in_(days), not_(over))
    rows = connection.execute(select(c.day, c.made, c.wrapped).where(mine))
    return {day: (made, wrapped) for day, made, wrapped in rows}
