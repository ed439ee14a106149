"""The destruction of a day before its time: by two people's word, and never of a day in use."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.audit.entry import Entry, Fact
from pipeline.clock import Clock
from pipeline.errors import RefusedError
from pipeline.keys.holding import Word
from pipeline.keys.record import Recording
from pipeline.keys.rules import day_of
from pipeline.keys.store import Store


class Early:
    """Destroys days that two people want gone."""

    def __init__(self, store: Store, clock: Clock, log: Recording, *, idle: bool) -> None:
        """``idle``: nobody seals to the keys of this store while the service runs."""
        self._store = store
        self._clock = clock
        self._log = log
        self._idle = idle

    def destroy(self, day: int, word: Word) -> int:
        """Destroy the sealing key of ``day`` (since 1970-01-01 UTC); return how many there were.

        Raises RefusedError where one person says both, or for a day that is sealed to: whoever
        holds its public half would go on, and nobody could ever open what it sealed.
        """
        why = None
        if word.requester.casefold() == word.approver.casefold():
            why = "destroy: the requester approved it; another person has to"
        elif day >= day_of(self._clock()) and not self._idle:
            why = "destroy: that day is still sealed to; stop the group first, or wait for its end"
        facts: Mapping[str, Fact] = {"day": day, "approver": word.approver}
        outcome = "refused" if why else "allowed"
        self._log.append(Entry(self._clock(), word.requester, "keys.order", outcome, None, facts))
        if why:
            raise RefusedError(why)
        return self._store.destroy_day(day)
