"""Who there is at this moment: the people file read anew, its changes in the audit log first.

A role that was taken away is gone at the next act, and one that was given is in the log before it
serves anybody. So the file is looked at for each act, and so is what the log was last told: another
process may have told it of a file that has been put back since.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from pipeline.cases.people import Directory, Person
from pipeline.configuration.parts import Facts, Part, State, changed
from pipeline.errors import SettingsError, UnavailableError

_AN_ENTRY: Final = 100
"""How many people an entry tells of: each takes some 500 bytes at most, and an entry 65,535."""

Tell = Callable[[Sequence[Part]], None]

_log = structlog.get_logger(__name__)


class Present:
    """The people of a file, as it is whenever somebody asks."""

    def __init__(self, path: Path, tell: Tell) -> None:
        """``tell`` is ``Told.tell``."""
        self._path = path
        self._tell = tell
        self._lock = threading.Lock()
        self._read: tuple[str, Directory] | None = None

    def directory(self) -> Directory:
        """Return who there is; raises SettingsError, UnavailableError, IntegrityError.

        SettingsError is for the first time: a file that was good and is not any more is waited for,
        and nobody acts meanwhile.
        """
        with self._lock:
            found: list[Directory] = []

            def read(_: State | None) -> State:
                found.append(self._now())
                return {person.name: _said(person) for person in found[-1]}

            self._tell([Part("config.people", read, _facts)])
            return found[-1]

    def still(self, person: Person) -> bool:
        """Tell whether somebody is who they were: of the same roles and team."""
        return self.directory().find(person.name) == person

    def _now(self) -> Directory:
        """Return what the file says; the same text is not parsed twice."""
        try:
            text = Directory.text(self._path)
            if self._read is None or self._read[0] != text:
                self._read = text, Directory.of(self._path, text)
        except SettingsError as error:
            if self._read is None:
                raise
            _log.error("nobody may act before the list of people is mended", reason=str(error))
            raise UnavailableError(str(error)) from None
        return self._read[1]


def _said(person: Person) -> str:
    roles = ", ".join(sorted(role.value for role in person.roles))
    return roles if person.team is None else f"{roles} ({person.team})"


def _facts(before: State | None, now: State) -> list[Facts]:
    told = before or {}
    lines: list[tuple[str, str]] = []
    for name in changed(before, now):
        if name not in told:
            lines.append(("added", f"{name}: {now[name]}"))
        elif name not in now:
            lines.append(("removed", f"{name}: {told[name]}"))
        else:
            lines.append(("changed", f"{name}: {now[name]}; before: {told[name]}"))
    return [
        {kind: [line for of, line in part if of == kind] for kind in dict(part)}
        | {"people": len(now)}
        for part in (lines[n : n + _AN_ENTRY] for n in range(0, len(lines), _AN_ENTRY))
    ]
