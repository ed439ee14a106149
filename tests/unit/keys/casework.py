"""A key service with a case: what tests of the release start from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog
from pipeline.keys.asking import Approval, Asked, Grant
from pipeline.keys.material import SealingKey
from pipeline.keys.release_client import Patience, ReleaseClient
from pipeline.keys.rules import HOUR, seconds
from pipeline.keys.store import Store
from pipeline.restricted.seal import seal
from pipeline.scope import Scope, Selectors, checked
from pipeline.sealed import decode
from pipeline.zones import ALL_UTC, Zones
from tests.support.databases import Place
from tests.support.key_service import ThreadedService
from tests.unit.keys.making import NOON, Hands, log_in, serving, store_at
from tests.unit.sealed.records import START, records

SPLIT_TOKEN: Final = "a-token-of-the-role-split-000000001"
TOKEN: Final = "a-token-of-the-role-investigations-01"
NOW: Final = seconds(NOON)


def scope(**changes: object) -> Scope:
    """A scope that the sealed records of :func:`batch` lie in."""
    made = Scope(
        sites=("site0",),
        first=START,
        last=START + 2 * HOUR,
        selectors=Selectors(addresses=("10.0.0.0",), networks=("10.0.2.0/30", "10.0.0.0/16")),
    )
    return checked(replace(made, **changes))  # type: ignore[arg-type]


def grant(**changes: object) -> Grant:
    """A grant that the policy allows at NOON."""
    made = Grant(
        case="case-1",
        kind="normal",
        category="abuse",
        scope=scope(),
        requester="investigator",
        approvals=(Approval("approver", NOW),),
        opened=NOW,
        expires=NOW + 72 * HOUR,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def emergency(**changes: object) -> Grant:
    return replace(
        grant(kind="emergency", approvals=(), expires=NOW + HOUR),
        **changes,  # type: ignore[arg-type]
    )


_SOCKETS = itertools.count()
"""A service started anew in a place listens elsewhere, as the one before may be there still."""


class House:
    """A service, its store, its clock, its audit log and a client of the role investigations."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = Hands()
        self.log: AuditLog = log_in(place.folder, self.clock)
        self.store: Store = store_at(place, self.clock, log=self.log)
        self.url = f"unix://{place.folder}/sock{next(_SOCKETS)}"
        self.tokens = {"split": SPLIT_TOKEN, "investigations": TOKEN}
        self.client = ReleaseClient(self.url, TOKEN, Patience(2, lambda _: None))

    def entries(self, act: str | None = None) -> list[Entry]:
        return [entry for _, entry in self.log.entries() if act in {None, entry.act}]

    def outcomes(self, act: str) -> list[str]:
        return [entry.outcome for entry in self.entries(act)]

    def message(self, offsets: Sequence[int] = range(4), key: SealingKey | None = None) -> bytes:
        """A sealed batch: site0 and site1, a record an hour from START on."""
        sealing = key or self.store.sealing()
        [message] = seal(records(offsets), sealing, source="logs.web:0", hour=START)
        return message


def asked(message: bytes) -> Asked:
    """What is asked for a sealed batch's content key."""
    taken = decode(message)
    return Asked(taken.head, taken.encapsulated)


@contextmanager
def house(place: Place, zones: Zones = ALL_UTC) -> Iterator[House]:
    built = House(place)
    service = serving(built.store, built.clock, place.folder, built.tokens, built.log, zones)
    try:
        with ThreadedService(service, built.url), built.client:
            yield built
    finally:
        built.store.close()
