"""``partywall case``: the life of a case, from a suspicion to its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cases.life import Case, State
from pipeline.cases.matrix import Act
from pipeline.cli import cases_told as told
from pipeline.cli import scoping
from pipeline.cli.at_desk import DEFAULT, As, Data, at_cases, not_blank
from pipeline.cli.options import Json
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.apps.case_desk import CaseRoom

case = typer.Typer(help="Cases: who may look at raw records, why, and for how long.",
                   no_args_is_help=True)  # fmt: skip

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="as in C-1")]
Seen = Annotated[
    int | None,
    typer.Option(
        "--seen",
        metavar="N",
        help="the number of the request that `case show` showed you: no other is decided",
    ),
]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="why; kept sealed", callback=not_blank)
]


@case.callback()
def root() -> None:
    """Open, approve and close cases, and look at records within their scope."""


@case.command("open")
def open_(
    category: Annotated[str, typer.Option("--category", help="a reason that the policy lists")],
    reason: Reason,
    reference: Annotated[str, typer.Option("--reference", help="a ticket, a letter")] = "",
    sites: scoping.Sites = None,
    first: scoping.From = None,
    last: scoping.To = None,
    addresses: scoping.Addresses = None,
    networks: scoping.Networks = None,
    pseudonyms: scoping.Pseudonyms = None,
    chats: scoping.Chats = None,
    agents: scoping.Agents = None,
    paths: scoping.Paths = None,
    listed: scoping.Listed = None,
    shown: scoping.Fields = None,
    most: scoping.Most = None,
    untimed: scoping.Untimed = None,
    request_now: Annotated[
        bool, typer.Option("--request", help="ask for approval at once")
    ] = False,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Draft a case: why, and what it would reach. Nothing can be looked at yet."""
    who = scoping.selectors(addresses, networks, pseudonyms, chats, agents, paths, listed)
    scope = scoping.Said(sites, first, last, who, shown, most, untimed).scope()
    with at_cases(data, name) as (room, person):
        cases = room.desk.cases
        made = cases.draft(person, category, reason, reference, scope)
        if request_now:
            made = cases.request(person, made.id)
        _tell(room, made, as_json=as_json)


@case.command()
def request(
    case_id: CaseId,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="why an open case needs a wider scope")
    ] = "",
    sites: scoping.Sites = None,
    first: scoping.From = None,
    last: scoping.To = None,
    addresses: scoping.Addresses = None,
    networks: scoping.Networks = None,
    pseudonyms: scoping.Pseudonyms = None,
    chats: scoping.Chats = None,
    agents: scoping.Agents = None,
    paths: scoping.Paths = None,
    listed: scoping.Listed = None,
    shown: scoping.Fields = None,
    most: scoping.Most = None,
    untimed: scoping.Untimed = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Ask for approval of a draft; of an open case, for another scope (what is said replaces)."""
    who = scoping.selectors(addresses, networks, pseudonyms, chats, agents, paths, listed)
    said = scoping.Said(sites, first, last, who, shown, most, untimed)
    with at_cases(data, name) as (room, person):
        cases = room.desk.cases
        before, _ = cases.show(person, case_id)
        scope = said.scope(before.scope or before.asked) if said.anything() else None
        if before.state(room.now()) is not State.OPEN:
            made = cases.request(person, case_id, scope)
        elif scope is None:
            raise UsageError("say what the case is to reach: --site, --address, --to and so on")
        elif not reason.strip():
            raise UsageError("--reason: say why the case needs another scope")
        else:
            made = cases.widen(person, case_id, scope, reason)
        _tell(room, made, as_json=as_json)


@case.command()
def approve(
    case_id: CaseId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT")] = "",
    seen: Seen = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Agree to what a case asks for; a second person does, never the requester."""
    with at_cases(data, name) as (room, person):
        _tell(room, room.desk.approve(person, case_id, reason, seen=seen), as_json=as_json)


@case.command()
def deny(
    case_id: CaseId,
    reason: Reason,
    seen: Seen = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Refuse what a case asks for, with a reason."""
    with at_cases(data, name) as (room, person):
        _tell(room, room.desk.deny(person, case_id, reason, seen=seen), as_json=as_json)


@case.command()
def emergency(
    case_id: CaseId, reason: Reason, data: Data = DEFAULT, name: As = None, as_json: Json = False
) -> None:
    """Open a draft alone: one site, an hour, everybody alarmed, to be ratified within a day."""
    with at_cases(data, name) as (room, person):
        made = room.desk.emergency(person, case_id, reason)
        sys.stderr.write(f"emergency access to {made.id}: written down, and to be ratified\n")
        _tell(room, made, as_json=as_json)


@case.command()
def ratify(
    case_id: CaseId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT")] = "",
    seen: Seen = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Agree to an emergency afterwards; `deny` ends it."""
    with at_cases(data, name) as (room, person):
        made = room.desk.cases.ratify(person, case_id, reason, seen=seen)
        _tell(room, made, as_json=as_json)


@case.command()
def extend(
    case_id: CaseId,
    reason: Reason,
    hours: Annotated[int, typer.Option("--hours", min=1, help="from the approval of this")] = 72,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Ask that an open case run longer; that is a new approval."""
    with at_cases(data, name) as (room, person):
        made = room.desk.cases.extend(person, case_id, hours, reason)
        _tell(room, made, as_json=as_json)


@case.command()
def close(
    case_id: CaseId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT")] = "",
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """End a case: its keys are taken back at once, from searches under way too."""
    with at_cases(data, name) as (room, person):
        _tell(room, room.desk.close(person, case_id, reason), as_json=as_json)


@case.command()
def purge(case_id: CaseId, data: Data = DEFAULT, name: As = None) -> None:
    """Delete what an ended case holds, bundles too; its history in the audit log stays."""
    from pipeline.investigations import retention  # noqa: PLC0415 -- as the desk

    with at_cases(data, name) as (room, person):
        retention.purge(room.desk, person, case_id)
        print(f"{case_id} purged")


@case.command("list")
def list_(data: Data = DEFAULT, name: As = None, as_json: Json = False) -> None:
    """List the cases that you may see."""
    with at_cases(data, name) as (room, person):
        now = room.now()
        rows = [told.summary(one, now, room.purge_days) for one in room.desk.cases.list(person)]
    if as_json:
        told.as_json(rows)
    else:
        columns = ["case", "state", "category", "requester", "expires", "waits_for", "unratified",
                   "purged_from", "held"]  # fmt: skip
        told.table(rows, columns)


@case.command()
def show(case_id: CaseId, data: Data = DEFAULT, name: As = None, as_json: Json = False) -> None:
    """Show a case: its scope and clock, who decided what, what was added."""
    with at_cases(data, name) as (room, person):
        found, added = room.desk.cases.show(person, case_id)
        said = told.details(found, added, room.now(), room.purge_days)
    told.as_json(said) if as_json else told.tree(told.briefly(said))


@case.command()
def note(case_id: CaseId, text: Annotated[str, typer.Argument()], data: Data = DEFAULT,
         name: As = None, finding: Annotated[bool, typer.Option("--finding")] = False,
         ) -> None:  # fmt: skip
    """Add a note, or with --finding what the investigation has found."""
    with at_cases(data, name) as (room, person):
        act = Act.FINDING if finding else Act.NOTE
        room.desk.cases.write(person, act, case_id, text)
        print(f"{act.value} added to {case_id}")


@case.command()
def disclose(
    case_id: CaseId,
    to: Annotated[str, typer.Option("--to", help="who is given it", callback=not_blank)],
    basis: Annotated[
        str, typer.Option("--basis", help="the law or the reason in the policy", callback=not_blank)
    ],
    what: Annotated[
        str, typer.Option("--what", help="what is given, as in a bundle's name", callback=not_blank)
    ],
    data: Data = DEFAULT,
    name: As = None,
) -> None:
    """Enter into the ledger that something was given away: to whom, on what basis, what, when."""
    with at_cases(data, name) as (room, person):
        room.desk.cases.disclose(person, case_id, to, basis, what)
        print(f"disclosure entered into {case_id}")


def _tell(room: CaseRoom, made: Case, *, as_json: bool) -> None:
    said = told.summary(made, room.now(), room.purge_days)
    if as_json:
        told.as_json(said)
        return
    print(f"{made.id} {said['state']}")
    if said["waits_for"]:
        more = told.counted(said["needed"] - said["approvals"], "approval")
        print(f"waits for {more}: {said['waits_for']}")
    if said["expires"]:
        print(f"ends {said['expires']}")
