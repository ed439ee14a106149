"""The part of the desk that works on cases alone, and loads nothing that opens records.

Acts that change what a case reaches are told to the key service here; those that need not be are
``cases.acts``.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.cases.acts import Cases
from pipeline.cases.life import Case, State
from pipeline.cases.people import Person
from pipeline.investigations.granting import grant
from pipeline.keys.release_client import ReleaseClient


class CaseDesk:
    """Everything a person may do with cases, short of their records."""

    def __init__(self, cases: Cases, keys: ReleaseClient, turns: Path) -> None:
        """``turns`` is a folder by which bundles, holds and erasures take turns (``alone``)."""
        self.cases = cases
        self.keys = keys
        self.turns = turns

    def approve(
        self, person: Person, case_id: str, reason: str = "", *, seen: int | None = None
    ) -> Case:
        """Agree to what a case asks for; where that opens or changes it, the key service hears.

        ``seen`` as in ``cases.acts``.
        """
        case = self.cases.approve(person, case_id, reason, seen=seen)
        if case.state(self.cases.gate.now()) is State.OPEN and not case.pending:
            grant(self.keys, case)
        return case

    def emergency(self, person: Person, case_id: str, reason: str) -> Case:
        """Open a draft alone, for an hour at most."""
        case = self.cases.emergency(person, case_id, reason)
        grant(self.keys, case)
        return case

    def close(self, person: Person, case_id: str, reason: str = "") -> Case:
        """End a case: its keys are taken back before anything else."""
        return self.cases.close(person, case_id, reason, before=self._take_back)

    def deny(self, person: Person, case_id: str, reason: str, *, seen: int | None = None) -> Case:
        """Refuse what a case asks for; an emergency that is not ratified ends at once."""
        return self.cases.deny(person, case_id, reason, seen=seen, before=self._take_back)

    def destroy_day(self, day: int, requester: str, approver: str) -> int:
        """Have a day's sealing key destroyed that two people want gone; return how many."""
        return self.keys.destroy_day(day, requester, approver)

    def _take_back(self, person: Person, case: Case) -> None:
        if case.opened is not None:
            self.keys.revoke(case.id, person.name)
