"""Who there is: people, their roles, and the file that lists them for an embedded group.

A person's name stands in the audit log for good, so it has a closed shape, and none may pass for a
process (``keys``, ``clock``, ``config``) or for somebody whom nobody knows (``unknown``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import yaml

from pipeline.errors import SettingsError
from pipeline.settings import twice

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@|:+=-]{0,127}")
_TEAM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
CLOCK: Final = "clock"
"""Who acts on a case where no person does: what the policy has fall due by itself."""

_NOBODY: Final = frozenset({"keys", CLOCK, "config", "unknown"})


class Role(StrEnum):
    """What a person may be; several at once, if the directory says so."""

    INVESTIGATOR = "investigator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy_officer"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in, or may."""

    name: str
    roles: frozenset[Role]
    team: str | None = None


def is_name(text: str) -> bool:
    """Tell whether a person may be called this."""
    return _NAME.fullmatch(text) is not None and text.casefold() not in _NOBODY


def is_team(text: str) -> bool:
    """Tell whether a team may be called this."""
    return _TEAM.fullmatch(text) is not None


class Directory:
    """The people of a file: name → ``{roles: […], team: …}``."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        self._people = dict(people)

    def __iter__(self) -> Iterator[Person]:
        return iter(self._people.values())

    def find(self, name: str) -> Person | None:
        """Return the person of that name."""
        return self._people.get(name)

    @classmethod
    def read(cls, path: Path) -> Directory:
        """Read a people file; raises SettingsError, which names the file and what to mend."""
        return cls.of(path, cls.text(path))

    @staticmethod
    def text(path: Path) -> str:
        """Return what a people file says; raises SettingsError.

        Who writes the file hands out roles: one of ours that others may write to is refused.
        """
        try:
            status = path.stat()
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
            raise SettingsError(f"people file {path}: cannot be read ({reason})") from None
        if status.st_uid == os.geteuid() and status.st_mode & 0o022:
            raise SettingsError(f"people file {path}: others may write to it; run chmod go-w on it")
        return text

    @classmethod
    def of(cls, path: Path, text: str) -> Directory:
        """Return the people of a file's text; raises SettingsError, as :meth:`read` does."""
        try:
            listed = _listed(text)
        except (yaml.YAMLError, ValueError, TypeError):
            raise SettingsError(
                f"people file {path}: cannot be read as YAML of names, each with roles, as in "
                "investigator: {roles: [investigator]}, and nothing twice in one place"
            ) from None
        people = [_person(path, number, *one) for number, one in enumerate(listed, 1)]
        if len({person.name.casefold() for person in people}) != len(people):
            raise SettingsError(f"people file {path}: two names differ in capitals alone")
        if not people:
            raise SettingsError(f"people file {path}: lists nobody")
        return cls({person.name: person for person in people})

    @staticmethod
    def make_default(path: Path) -> bool:
        """Write an example of five people, each named by a role; raises SettingsError.

        False where there is a file already, which stays as it is.
        """
        people: dict[str, dict[str, object]] = {
            "investigator": {"roles": [Role.INVESTIGATOR.value], "team": "abuse"},
            "approver": {"roles": [Role.APPROVER.value], "team": "legal"},
            "second-approver": {"roles": [Role.APPROVER.value], "team": "legal"},
            "auditor": {"roles": [Role.AUDITOR.value], "team": "audit"},
            "privacy-officer": {"roles": [Role.PRIVACY_OFFICER.value], "team": "privacy"},
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                yaml.safe_dump(people, file, sort_keys=False)
        except FileExistsError:
            return False
        except OSError as error:
            raise SettingsError(f"people file {path}: cannot be made ({error.strerror})") from None
        return True


def _listed(text: str) -> list[tuple[object, object]]:
    """Return names and what is said of each; raises ValueError, TypeError or yaml.YAMLError."""
    if twice(text) is not None:
        raise ValueError
    loaded = yaml.safe_load(text)
    if not isinstance(loaded, dict):
        raise TypeError
    return list(loaded.items())


def _person(path: Path, number: int, name: object, said: object) -> Person:
    where = f"people file {path}, person {number}"
    if not isinstance(name, str) or not is_name(name):
        raise SettingsError(
            f"{where}: a name has letters, digits and . _ @ | : + = - and 128 characters at most, "
            f"and is none of {', '.join(sorted(_NOBODY))}"
        )
    if not isinstance(said, dict) or not set(said) <= {"roles", "team"}:
        raise SettingsError(f"{where}: has roles and, if need be, a team, and nothing else")
    roles, team = said.get("roles"), said.get("team")
    known = {role.value for role in Role}
    if not isinstance(roles, list) or not roles or not known.issuperset(map(str, roles)):
        raise SettingsError(f"{where}: roles is a list of {', '.join(sorted(known))}")
    if team is not None and (not isinstance(team, str) or not is_team(team)):
        raise SettingsError(f"{where}: a team has letters, digits, blanks and . _ - and 64 at most")
    return Person(name, frozenset(Role(role) for role in roles), team)
