"""Bundles that a case has exported, taken away: each time is weighed and written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.errors import UnavailableError
from pipeline.investigations.bundles import KIND
from pipeline.investigations.desk import Desk
from pipeline.investigations.export import Office

_NONE: Final = "the case has exported no bundle of that name: its page lists them"


def download(desk: Desk, office: Office, person: Person, case_id: str, bundle: str) -> Path:
    """Return where a bundle of the case lies; raises RefusedError, UnavailableError."""
    gate = desk.cases.gate
    with gate.store.reading() as store:
        case = store.case(case_id)
        rows = [] if case is None else store.added(case_id, KIND)
    listed = {str(orjson.loads(row.text)["bundle"]) for row in rows}
    named = bundle if bundle in listed else ""
    also = None if named else _NONE
    with gate.act(person, Act.EXPORT, case_id, {"download": named}, also=also):
        path = office.folder / named
        if not path.is_file():
            raise UnavailableError("the bundle is not where it was written")
        return path
