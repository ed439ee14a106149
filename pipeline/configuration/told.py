"""What the audit log was last told of the configuration, and the telling where that has changed.

What was told is remembered in the database of whoever tells: in the key store for the key service,
in the case store for the desk. The log itself has no index: the last word on each part would be a
walk through all of it, at every start and every act. And two processes that meet a change at once
need a lock that both take anyway; the database's writers have one, on SQLite and on PostgreSQL.

The entry comes first, then the row, in one transaction. A kill between the two leaves an entry that
nobody remembers, so the same change is told once more: twice, never not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, String, Table, select

from pipeline.audit.entry import Entry
from pipeline.audit.log import Written
from pipeline.clock import Clock
from pipeline.configuration.parts import Part, State
from pipeline.database import Database

ACTOR: Final = "config"
"""Who acts: who wrote a file is nothing that a process that reads it could know."""


class Recording(Protocol):
    """The audit log, as far as it is told here."""

    def extend(self, entries: Sequence[Entry]) -> list[Written]:
        """Write entries; they are durable at the return. Raises UnavailableError."""


Remember = Callable[[Connection, str, Written, int], None]
"""Is told each entry (act, where it stands, seconds since 1970 UTC) in the same transaction."""


def _nowhere(_: Connection, __: str, ___: Written, ____: int) -> None:
    """Remember nothing beside the last word on each part."""


def table(name: str, tables: MetaData) -> Table:
    """Add the table in which is remembered what was told; a database shared by two has two."""
    return Table(
        name,
        tables,
        Column("act", String, primary_key=True),
        Column("state", LargeBinary, nullable=False),
        Column("entry", BigInteger, nullable=False),
        Column("leaf", String, nullable=False),
        Column("at", BigInteger, nullable=False),
    )


class Told:
    """Tells the log what differs from what it was last told."""

    def __init__(
        self,
        database: Database,
        rows: Table,
        log: Recording,
        clock: Clock,
        seen_by: str,
        remember: Remember = _nowhere,
    ) -> None:
        """``seen_by`` stands in each entry: ``keys`` or ``desk``. ``rows`` is of :func:`table`."""
        self._database = database
        self._rows = rows
        self._log = log
        self._clock = clock
        self._seen_by = seen_by
        self._remember = remember

    def tell(self, parts: Sequence[Part]) -> None:
        """Return once the log knows what is configured; raises UnavailableError, IntegrityError.

        Where it raises, nothing may be done under what was read. Where nothing has changed this
        reads and writes nothing. Otherwise every part is read anew under the writers' lock, so that
        of two processes the second finds that the first has told it.
        """
        with self._database.reading() as connection:
            if not any(self._differing(connection, part) for part in parts):
                return
        with self._database.writing() as connection:
            found = [
                (part, change) for part in parts for change in self._differing(connection, part)
            ]
            if found:
                self._write(connection, found)

    def _write(
        self, connection: Connection, found: list[tuple[Part, tuple[State | None, State]]]
    ) -> None:
        moment = self._clock()
        at = int(moment.timestamp())
        steps = [(part, now, part.facts(before, now)) for part, (before, now) in found]
        entries = [
            Entry(moment, ACTOR, part.act, "allowed", None, {"seen_by": self._seen_by, **said})
            for part, _, facts in steps
            for said in facts
        ]
        written = iter(self._log.extend(entries))
        for part, now, facts in steps:
            places = [next(written) for _ in facts]
            self._put(connection, part.act, now, places[-1], at)
            for place in places:
                self._remember(connection, part.act, place, at)

    def _differing(self, connection: Connection, part: Part) -> list[tuple[State | None, State]]:
        """Return what was told of a part and what it is now, nothing where they are the same."""
        c = self._rows.c
        kept = connection.execute(select(c.state).where(c.act == part.act)).scalar_one_or_none()
        before: State | None = None if kept is None else json.loads(bytes(kept))
        now = part.read(before)
        return [] if now == before else [(before, now)]

    def _put(self, connection: Connection, act: str, now: State, written: Written, at: int) -> None:
        state = json.dumps(now, sort_keys=True).encode()
        connection.execute(self._rows.delete().where(self._rows.c.act == act))
        connection.execute(
            self._rows.insert().values(
                act=act, state=state, entry=written.index, leaf=written.leaf, at=at
            )
        )
