"""``partywall dsr``: requests of persons about their data, and the days left to answer them."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cases.life import Kind
from pipeline.cases.subject import SUBJECT, for_subject
from pipeline.cli import cases_told as told
from pipeline.cli import scoping
from pipeline.cli.at_desk import DEFAULT, As, Data, at_cases, not_blank, seated
from pipeline.cli.case import CaseId
from pipeline.cli.options import Json
from pipeline.investigations.deadlines import clock, open_requests

dsr = typer.Typer(help="Data subject requests.", no_args_is_help=True)


@dsr.callback()
def root() -> None:
    """Open, answer and close what persons ask about their own data."""


@dsr.command("open")
def open_(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="what is asked for", callback=not_blank)
    ],
    reference: Annotated[str, typer.Option("--reference", help="the letter, the ticket")] = "",
    sites: scoping.Sites = None,
    first: scoping.From = None,
    last: scoping.To = None,
    addresses: scoping.Addresses = None,
    pseudonyms: scoping.Pseudonyms = None,
    chats: scoping.Chats = None,
    agents: scoping.Agents = None,
    listed: scoping.Listed = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Open a person's request, and ask for its approval."""
    who = scoping.selectors(addresses, None, pseudonyms, chats, agents, None, listed)
    scope = for_subject(scoping.Said(sites, first, last, who).scope())
    with at_cases(data, name) as (room, person):
        cases = room.desk.cases
        made = cases.draft(person, SUBJECT, reason, reference, scope)
        made = cases.request(person, made.id)
        left = clock(made, room.now())
    if as_json:
        told.as_json({"case": made.id, "due": told.moment(left.due), "days_left": left.left})
    else:
        print(f"{made.id}: answer by {told.moment(left.due)}; a second person approves it")


@dsr.command("list")
def list_(data: Data = DEFAULT, name: As = None, as_json: Json = False) -> None:
    """List the requests that are not ended, the most urgent first."""
    with at_cases(data, name) as (room, person):
        now = room.now()
        rows = [
            {
                "case": one.id,
                "state": one.state(now).value,
                "due": told.moment(clock(one, now).due),
                "days_left": clock(one, now).left,
                "overdue": clock(one, now).overdue,
            }
            for one in open_requests(room.desk.cases.list(person), now)
        ]
    if as_json:
        told.as_json(rows)
    else:
        told.table(rows, ["case", "state", "due", "days_left", "overdue"])


@dsr.command()
def show(case_id: CaseId, data: Data = DEFAULT, name: As = None, as_json: Json = False) -> None:
    """Show a request with its clock, its corrections, and what was done."""
    with at_cases(data, name) as (room, person):
        found, added = room.desk.cases.show(person, case_id)
        now = room.now()
        said = {
            "days_left": clock(found, now).left,
            **told.details(found, added, now, room.purge_days),
        }
    told.as_json(said) if as_json else told.tree(told.briefly(said))


@dsr.command()
def answer(case_id: CaseId, data: Data = DEFAULT, name: As = None, as_json: Json = False) -> None:
    """Write what is kept of the person into a bundle, nobody else's data among it."""
    from pipeline.investigations.subjects import answer as written  # noqa: PLC0415 -- as the desk

    with seated(data, name) as (room, person):
        done = written(room.desk, room.office, person, case_id)
    if as_json:
        told.as_json({"bundle": str(done.path), "records": done.written.records})
    else:
        print(f"{done.path}: {told.counted(done.written.records, 'record')}")


@dsr.command()
def correct(
    case_id: CaseId,
    text: Annotated[str, typer.Argument(help="the person's statement")],
    data: Data = DEFAULT,
    name: As = None,
) -> None:
    """Keep a person's statement of what is wrong, shown with the records; the lines stay."""
    with at_cases(data, name) as (room, person):
        room.desk.cases.correct(person, case_id, text)
        print(f"{case_id}: the statement is kept, and shown with these records from now on")


@dsr.command()
def erase(
    case_id: CaseId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="to ask for it")] = "",
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """With --reason ask for the erasure of the person's records; once approved, carry it out."""
    from pipeline.investigations.erasure import erase as carried_out  # noqa: PLC0415 -- as the desk

    with seated(data, name) as (room, person):
        if reason.strip():
            room.desk.cases.ask(person, case_id, Kind.ERASE, reason)
            print(f"{case_id}: an erasure is asked for; a second person approves it")
            return
        done = carried_out(room.desk, person, case_id)
    if as_json:
        told.as_json({"records": done.records, "gone": done.gone})
    else:
        print(f"{case_id}: {told.counted(done.records, 'record')} erased")


@dsr.command()
def close(
    case_id: CaseId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT")] = "",
    data: Data = DEFAULT,
    name: As = None,
) -> None:
    """End a request."""
    with at_cases(data, name) as (room, person):
        room.desk.close(person, case_id, reason)
        print(f"{case_id} closed")
