"""Who sits at the desk, and which desk: the options that all verbs of investigations share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.apps.folder import settings_of
from pipeline.cases.people import Person
from pipeline.cli.place import DEFAULT
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.apps.case_desk import CaseRoom
    from pipeline.apps.desk import Room

Data = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="the folder of `up` or of `report --data`")
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        envvar="PARTYWALL_AS",
        help="who you are: a name of people.yaml in the data folder",
    ),
]

__all__ = ["DEFAULT", "As", "Data", "at_cases", "not_blank", "seated"]


def not_blank(param: typer.CallbackParam, value: str) -> str:
    """Return what an option says; raises UsageError, which names it, where that is nothing."""
    if not value.strip():
        raise UsageError(f"{param.opts[0]}: say something")
    return value


@contextmanager
def seated(data: Path, name: str | None) -> Iterator[tuple[Room, Person]]:
    """Open the desk of a data folder for a person; raises UsageError where nobody is named.

    The folder's owner may take any name of its people: there is no password in an embedded group,
    and production has the pages, where a provider says who somebody is.
    """
    from pipeline.apps.desk import open_room  # noqa: PLC0415 -- brings the vault and its formats

    with open_room(settings_of(data)) as room:
        yield room, _person(room, data, name)


@contextmanager
def at_cases(data: Path, name: str | None) -> Iterator[tuple[CaseRoom, Person]]:
    """As ``seated``, for acts that need no record: what would open one is not loaded."""
    from pipeline.apps.case_desk import open_case_room  # noqa: PLC0415 -- brings a database

    with open_case_room(settings_of(data)) as room:
        yield room, _person(room, data, name)


def _person(room: CaseRoom, data: Path, name: str | None) -> Person:
    if name is None:
        names = ", ".join(sorted(one.name for one in room.people))
        raise UsageError(f"say who you are with --as: {data}/people.yaml lists {names}")
    person = room.people.find(name)
    if person is None:
        raise UsageError(f"--as: nobody of that name is in {data}/people.yaml")
    return person
