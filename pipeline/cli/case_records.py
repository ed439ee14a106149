"""``partywall case search|timeline|related|export``: records within a case's scope."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cases.moments import moment
from pipeline.cli import cases_told as told
from pipeline.cli import scoping
from pipeline.cli.at_desk import DEFAULT, As, Data, seated
from pipeline.cli.case import CaseId, case
from pipeline.cli.options import Json
from pipeline.errors import UsageError
from pipeline.investigations.narrowing import Question
from pipeline.scope import Selectors

if TYPE_CHECKING:
    from pipeline.investigations.desk import Tell
    from pipeline.investigations.paging import Page, Place
    from pipeline.investigations.segments import Effort

__all__ = ["case"]

Size = Annotated[int, typer.Option("--page-size", min=1, max=1000, help="records on a page")]
After = Annotated[
    str | None, typer.Option("--after", metavar="PLACE", help="as the page before says it")
]


@case.command()
def search(
    case_id: CaseId,
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
    size: Size = 200,
    after: After = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Look for records in the order of time; what is not said is as the case's scope has it."""
    who = scoping.selectors(addresses, networks, pseudonyms, chats, agents, paths, listed)
    question = _question(sites, first, last, who)
    with seated(data, name) as (room, person):
        page = room.desk.search(
            person, case_id, question, size=size, since=_place(after), tell=_progress()
        )
    _tell(page, as_json=as_json)


@case.command()
def timeline(
    case_id: CaseId,
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    size: Size = 200,
    after: After = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Show what one address did, in the order of time."""
    question = Question(selectors=Selectors(addresses=(address,)))
    with seated(data, name) as (room, person):
        page = room.desk.search(
            person, case_id, question, size=size, since=_place(after), tell=_progress()
        )
    _tell(page, as_json=as_json)


@case.command()
def related(
    case_id: CaseId,
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    by: Annotated[
        Literal["address", "network", "agent", "provider"],
        typer.Option("--by", help="network: its /24, in IPv6 its /64"),
    ] = "network",
    size: Size = 200,
    after: After = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Show what is like an address's doings, within the case's scope only."""
    from pipeline.investigations.related import related as like  # noqa: PLC0415 -- as the desk

    with seated(data, name) as (room, person):
        page = like(
            room.desk, person, case_id, address, by,
            size=size, since=_place(after), tell=_progress(),
        )  # fmt: skip
    _tell(page, as_json=as_json)


@case.command("export")
def export_(
    case_id: CaseId,
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
    to: Annotated[
        Path | None, typer.Option("--to-file", metavar="FILE", help="copy the bundle there")
    ] = None,
    data: Data = DEFAULT,
    name: As = None,
    as_json: Json = False,
) -> None:
    """Write records into a signed bundle of evidence; without options all that the scope allows."""
    from pipeline.investigations.export import export  # noqa: PLC0415 -- as the desk

    who = scoping.selectors(addresses, networks, pseudonyms, chats, agents, paths, listed)
    if to is not None and (to.exists() or to.is_symlink()):
        raise UsageError(f"{to}: there is a file already; name another with --to-file")
    with seated(data, name) as (room, person):
        question = _question(sites, first, last, who)
        done = export(room.desk, room.office, person, case_id, question, _progress())
    path = done.path
    if to is not None:
        _copied(path, to)
        path = to
    said = {
        "bundle": str(path),
        "sha256": done.written.sha256,
        "bytes": done.written.bytes,
        "records": done.written.records,
        "gone": done.gone,
    }
    if as_json:
        told.as_json(said)
    else:
        count = told.counted(done.written.records, "record")
        print(f"{path}: {count}, SHA-256 {done.written.sha256}")


def _copied(path: Path, to: Path) -> None:
    """Copy a bundle to a new file that nobody else may read, not for a moment."""
    try:
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as target, path.open("rb") as source:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise UsageError(f"--to-file {to}: {error.strerror}; name another") from None


def _question(
    sites: list[str] | None, first: str | None, last: str | None, who: Selectors
) -> Question:
    return Question(
        sites=tuple(sites or ()),
        first=None if first is None else moment(first),
        last=None if last is None else moment(last, end=True),
        selectors=who,
    )


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    from pipeline.investigations.paging import Place  # noqa: PLC0415 -- as the desk

    hour, _, past = text.partition(":")
    try:
        return Place(None if hour == "untimed" else int(hour), int(past))
    except ValueError:
        raise UsageError("--after: take the place that the page before ended with") from None


def place_text(place: Place) -> str:
    """Return how a place is written between two pages."""
    return f"{'untimed' if place.hour is None else place.hour}:{place.past}"


def _progress() -> Tell:
    """Return what tells how far a search is, on a terminal's standard error."""
    shown = sys.stderr.isatty()

    def tell(hour: int | None, effort: Effort) -> None:
        if shown:
            sys.stderr.write(f"\r{told.moment(hour) or 'lines without a time'}  "
                             f"{effort.data_groups:,} groups opened")  # fmt: skip

    return tell


def _tell(page: Page, *, as_json: bool) -> None:
    rows = told.records(page.records)
    after = None if page.next is None else place_text(page.next)
    if as_json:
        told.as_json(
            {"records": rows, "next": after, "read": page.read, "most": page.most,
             "gone": page.gone,
             "corrections": [
                 {"at": told.moment(one.at), "records": one.records, "statement": one.statement}
                 for one in page.corrections
             ]}
        )  # fmt: skip
        return
    for row in rows:
        print("  ".join(told.plain(row[name]) for name in _columns(row)))
    for one in page.corrections:
        print(f"of {one.records:,} of these a person says: {told.plain(one.statement)}")
    print(f"{told.counted(len(rows), 'record')}; the case has read {page.read:,} of {page.most:,}")
    if page.gone:
        print(f"{page.gone:,} more can no longer be opened: the keys of their days are destroyed")
    if after is not None:
        print(f"more: --after {after}")


def _columns(row: dict[str, object]) -> list[str]:
    """Return what a line on a terminal shows: the raw line where it may be shown, else fields."""
    if "raw" in row:
        return [name for name in ("time", "site", "raw") if name in row]
    return [name for name, value in row.items() if name != "record" and value is not None]
