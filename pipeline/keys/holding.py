"""Keys of legal holds: made for a case's records, kept until the hold is released.

A day key dies on its day whatever is held. Before it does, the records in a hold's scope are sealed
once more, to the hold's own key, and that one is kept. A hold is placed and released by two people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.audit.entry import Entry, Fact
from pipeline.clock import Clock
from pipeline.errors import RefusedError
from pipeline.keys.material import SealingKey
from pipeline.keys.record import Recording
from pipeline.keys.store import Alive, Store


@dataclass(frozen=True, slots=True)
class Word:
    """Two people's word for a hold: whoever asks, and whoever allows it."""

    requester: str
    approver: str


class Holds:
    """Places and releases the keys of legal holds."""

    def __init__(self, store: Store, clock: Clock, log: Recording) -> None:
        """Take the store and the audit log."""
        self._store = store
        self._clock = clock
        self._log = log

    def place(self, hold: str, case: str, word: Word) -> SealingKey:
        """Return the hold's key, made at the first call: ``key_id`` is ``hold-NAME``.

        Its token key goes to whoever seals the records again; they see these records anyway.
        Raises RefusedError where one person says both, UsageError for a name that was used before.
        """
        self._write("keys.hold", hold, case, word)
        return self._store.hold_key(hold, case)

    def release(self, hold: str, word: Word) -> bool:
        """Destroy the hold's key, with a receipt; tell whether there was one."""
        self._write("keys.hold_release", hold, self._store.case_of_hold(hold), word)
        return self._store.release_hold(hold) > 0

    def all(self) -> list[Alive]:
        """Return the keys of all holds, without their material."""
        return [key for key in self._store.alive() if key.kind == "hold"]

    def _write(self, act: str, hold: str, case: str | None, word: Word) -> None:
        alone = word.requester.casefold() == word.approver.casefold()
        facts: Mapping[str, Fact] = {"hold": hold, "approver": word.approver}
        outcome = "refused" if alone else "allowed"
        self._log.append(Entry(self._clock(), word.requester, act, outcome, case, facts))
        if alone:
            raise RefusedError("hold: the requester approved it; another person has to")
