"""A data folder whose operator changes what is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipeline.apps.desk import open_room
from pipeline.apps.folder import settings_of
from pipeline.audit.entry import Entry
from pipeline.audit.places import Places
from pipeline.audit.reading import Reader
from pipeline.audit.signing import read_vkey

POLICY = Path(__file__).parents[3] / "schemas/policy/default.yaml"


class Folder:
    """A data folder in which no group runs, and which its operator changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "keys").mkdir(parents=True, mode=0o700)
        self.policy = path / "policy.yaml"
        self.policy.write_bytes(POLICY.read_bytes())
        self.set()
        self.seen = 0

    def set(self, **investigations: Any) -> None:  # noqa: ANN401 -- whatever is set
        tree = {"policy": str(self.policy), "investigations": investigations}
        (self.path / "settings.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")

    def sit(self) -> None:
        """Open the desk, with a key service of its own, and look at the cases."""
        with open_room(settings_of(self.path)) as room:
            person = room.people.find("investigator")
            assert person is not None
            room.desk.cases.list(person)

    def news(self, act: str = "config") -> list[Entry]:
        """Return the entries since it was asked last, of acts that begin with a word."""
        own = Places.under(self.path)
        found = list(Reader(own.folder, read_vkey(own.vkey)).entries(self.seen))
        self.seen += len(found)
        return [entry for _, entry in found if entry.act.startswith(act)]

    def told(self) -> list[tuple[object, str]]:
        return [(entry.facts["seen_by"], entry.act) for entry in self.news()]


def change_people(folder: Folder) -> None:
    path = folder.path / "people.yaml"
    people = yaml.safe_load(path.read_text(encoding="utf-8"))
    people["investigator"]["roles"].append("approver")
    path.write_text(yaml.safe_dump(people), encoding="utf-8")
