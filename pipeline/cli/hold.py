"""``partywall hold``: keep a case's records past the end of their days' keys, and let them go."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.apps.folder import settings_of
from pipeline.cases.life import Kind
from pipeline.cases.people import Role
from pipeline.cli import cases_told as told
from pipeline.cli.at_desk import DEFAULT, As, Data, at_cases, not_blank, seated
from pipeline.cli.case import CaseId
from pipeline.cli.options import Json

hold = typer.Typer(help="Legal holds.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="HOLD", help="as `hold list` names it")]


@hold.callback()
def root() -> None:
    """Ask for, place, list and release legal holds."""


@hold.command()
def ask(
    case_id: CaseId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", callback=not_blank)],
    data: Data = DEFAULT,
    name: As = None,
) -> None:
    """Ask for a hold on the records in a case's scope; `case approve` agrees to it."""
    with at_cases(data, name) as (room, person):
        room.desk.cases.ask(person, case_id, Kind.HOLD, reason)
        print(f"{case_id}: a hold is asked for; a second person approves it")


@hold.command()
def place(case_id: CaseId, data: Data = DEFAULT, name: As = None, as_json: Json = False) -> None:
    """Carry out an approved hold: the records are sealed once more, to a key of its own."""
    from pipeline.investigations import holds  # noqa: PLC0415 -- as the desk

    with seated(data, name) as (room, person):
        made = holds.place(room.desk, person, case_id)
    if as_json:
        told.as_json({"hold": made.name, "case": made.case, "records": made.records})
    else:
        print(f"{made.name}: {told.counted(made.records, 'record')} kept until it is released")


@hold.command("list")
def list_(data: Data = DEFAULT, as_json: Json = False) -> None:
    """List the holds there are: nothing of whom they are about."""
    from pipeline.apps.case_desk import open_case_room  # noqa: PLC0415 -- brings a database
    from pipeline.investigations.held import listed  # noqa: PLC0415
    from pipeline.vault.storage import storage_at  # noqa: PLC0415

    settings = settings_of(data)
    with open_case_room(settings) as room:
        rows = [
            {
                "hold": one.name,
                "case": one.case,
                "placed": told.moment(one.made),
                "records": one.records,
                "until": "it is released",
            }
            for one in listed(room.desk.keys, storage_at(settings.vault.url))
        ]
    if as_json:
        told.as_json(rows)
    elif rows:
        told.table(rows, ["hold", "case", "placed", "records", "until"])
    else:
        print("no holds")


@hold.command()
def release(
    hold_name: Name,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="for the order")] = "",
    data: Data = DEFAULT,
    name: As = None,
) -> None:
    """Release a hold: a privacy officer orders it, an approver of another team agrees."""
    from pipeline.investigations import holds  # noqa: PLC0415 -- as the desk

    case_id = hold_name.rpartition("-")[0]
    with seated(data, name) as (room, person):
        if Role.PRIVACY_OFFICER in person.roles:
            holds.order_release(room.desk, person, case_id, hold_name, reason)
            print(f"{hold_name}: its release is ordered; an approver agrees to it the same way")
        else:
            holds.release(room.desk, person, case_id, hold_name)
            print(f"{hold_name}: released; its key is destroyed and its files are removed")
