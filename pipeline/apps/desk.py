"""The desk, put together: that of cases, and what opens the records of the vault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.apps.case_desk import CaseRoom, key_service_for, open_cases, present_of
from pipeline.clock import Clock, system_clock
from pipeline.investigations import retention
from pipeline.investigations.desk import Desk
from pipeline.investigations.export import Office
from pipeline.investigations.records import Records
from pipeline.investigations.search import Search
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Room(CaseRoom):
    """A desk, who there is, and what exports are made with."""

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
        open_desk(settings, url, clock, people) as (desk, office),
    ):
        retention.turn(desk)
        yield Room(desk, present_of(desk).directory(), clock, office)


@contextmanager
def open_desk(
    settings: Settings, url: str, clock: Clock, people: Path | None = None
) -> Iterator[tuple[Desk, Office]]:
    """Put a desk together that borrows keys at ``url``; raises SettingsError, UnavailableError.

    ``people`` is the file that says who there is; None where a provider does. The audit log knows
    of the configuration before the desk is anybody's.
    """
    own = settings.investigations
    with open_cases(settings, url, clock, people) as opened:
        terms = opened.cases.policy
        zones = settings.windows.clocks()
        search = Search(settings.vault.url, Records(settings.split, zones))
        office = Office(own.evidence, opened.evidence, opened.log, terms, opened.policy_file)
        yield Desk(opened.cases, search, opened.keys, terms, own.evidence), office
