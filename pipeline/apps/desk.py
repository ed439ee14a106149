"""The desk, put together: that of cases, and what opens the records of the vault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import declarations, policy
from pipeline.apps.case_desk import CaseRoom, key_service_for, open_cases
from pipeline.audit.signing import Signer, make_signer, read_signer, write_vkey
from pipeline.cases.people import Directory
from pipeline.clock import Clock, system_clock
from pipeline.investigations import retention
from pipeline.investigations.desk import Desk
from pipeline.investigations.export import Office
from pipeline.investigations.records import Records
from pipeline.investigations.search import Search
from pipeline.settings import Settings

EVIDENCE: Final = "partywall/evidence"
"""Name of the key that bundles are signed by."""


@dataclass(frozen=True, slots=True)
class Room(CaseRoom):
    """The whole desk, what exports are made with, and who there is."""

    desk: Desk
    office: Office


@contextmanager
def open_room(settings: Settings, clock: Clock = system_clock) -> Iterator[Room]:
    """Open the desk of an embedded group's folder; raises SettingsError, UnavailableError.

    Where no group runs, the key service is started within this process and ends with it. No other
    process comes round there, so what is due is purged whenever somebody sits down.
    """
    with (
        key_service_for(settings) as (url, people),
        open_desk(settings, url, clock) as (desk, office),
    ):
        retention.turn(desk)
        yield Room(desk, Directory.read(people), clock, office)


@contextmanager
def open_desk(settings: Settings, url: str, clock: Clock) -> Iterator[tuple[Desk, Office]]:
    """Put a desk together that borrows keys at ``url``; raises SettingsError, UnavailableError."""
    own = settings.investigations
    with open_cases(settings, url, clock) as (cases, client, log):
        terms = policy.load(settings.policy, clock)
        search = Search(settings.vault.url, Records(settings.split))
        signer = _evidence_key(own.evidence_key)
        source = settings.policy or declarations.folder() / "policy/default.yaml"
        office = Office(own.evidence, signer, log, terms, source.read_bytes())
        yield Desk(cases, search, client, terms, own.evidence), office


def _evidence_key(path: Path) -> Signer:
    """Return the key that bundles are signed by, made with its vkey; raises SettingsError."""
    if not path.exists():
        signer = make_signer(path, EVIDENCE)
        write_vkey(path.with_suffix(".vkey"), signer.verifier)
    return read_signer(path)
