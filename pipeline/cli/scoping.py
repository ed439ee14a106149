"""Options that say what a case reaches, or what is looked for in it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Final

import typer

from pipeline.cases.moments import moment
from pipeline.errors import InputError, UsageError
from pipeline.scope import FIELDS, Scope, Selectors, checked

Sites = Annotated[
    list[str] | None,
    typer.Option("--site", metavar="NAME", help="a site; its widget is another, SITE.widget"),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="ISO date or time, UTC unless it says")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="the same; a date takes in its whole day")
]
Addresses = Annotated[list[str] | None, typer.Option("--address", metavar="IP")]
Networks = Annotated[list[str] | None, typer.Option("--network", metavar="CIDR")]
Pseudonyms = Annotated[
    list[str] | None,
    typer.Option("--pseudonym", metavar="HEX", help="16 hex digits, of the last 48 hours"),
]
Chats = Annotated[list[str] | None, typer.Option("--chat", metavar="ID", help="a widget's chat id")]
Agents = Annotated[list[str] | None, typer.Option("--agent", metavar="TEXT", help="a user agent")]
Paths = Annotated[
    list[str] | None, typer.Option("--path", metavar="PATH", help="a path, or its beginning and *")
]
Listed = Annotated[
    str | None,
    typer.Option(
        "--selectors",
        metavar="FILE",
        help="lines such as `address 192.0.2.7`, from a file or - for standard input: what stands "
        "on a command line may be seen by others of this machine",
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME", help=f"what may be shown: {', '.join(FIELDS)}"),
]
Most = Annotated[
    int | None, typer.Option("--most", metavar="N", help="records that may be read, 10,000 unless")
]
Untimed = Annotated[
    bool | None, typer.Option("--untimed/--timed", help="lines without a time as well")
]

_KINDS: Final = {
    "address": "addresses", "network": "networks", "pseudonym": "pseudonyms", "chat": "chats",
    "agent": "agents", "path": "paths",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What the options say; None or nothing where they say nothing."""

    sites: list[str] | None
    first: str | None
    last: str | None
    selectors: Selectors
    shown: list[str] | None = None
    most: int | None = None
    untimed: bool | None = None

    def scope(self, before: Scope | None = None) -> Scope:
        """Return a whole scope; what is not said is as ``before`` has it. Raises UsageError."""
        if before is None and not (self.sites and self.first and self.last):
            raise UsageError("a scope needs --site, --from and --to, and whose records it is about")
        base = before or Scope((), 0, 0, Selectors())
        return checked(
            Scope(
                sites=tuple(self.sites or base.sites),
                first=base.first if self.first is None else moment(self.first),
                last=base.last if self.last is None else moment(self.last, end=True),
                selectors=self.selectors or base.selectors,
                fields=tuple(self.shown or base.fields),
                most_records=self.most or base.most_records,
                untimed=base.untimed if self.untimed is None else self.untimed,
            )
        )

    def anything(self) -> bool:
        """Tell whether the options say anything."""
        return any(getattr(self, one.name) not in (None, [], Selectors()) for one in fields(self))


def selectors(
    addresses: list[str] | None,
    networks: list[str] | None,
    pseudonyms: list[str] | None,
    chats: list[str] | None,
    agents: list[str] | None,
    paths: list[str] | None,
    listed: str | None,
) -> Selectors:
    """Return what the options and the file name; raises UsageError, InputError."""
    found: dict[str, list[str]] = {
        "addresses": [*(addresses or ())],
        "networks": [*(networks or ())],
        "pseudonyms": [*(pseudonyms or ())],
        "chats": [*(chats or ())],
        "agents": [*(agents or ())],
        "paths": [*(paths or ())],
    }
    for number, line in enumerate(_lines(listed), 1):
        kind, _, value = line.strip().partition(" ")
        if not kind:
            continue
        if kind not in _KINDS or not value.strip():
            raise InputError(
                f"selectors, line {number}: begin with one of {', '.join(_KINDS)}, then a blank"
            )
        found[_KINDS[kind]].append(value.strip())
    return Selectors(**{kind: tuple(values) for kind, values in found.items()})


def _lines(listed: str | None) -> list[str]:
    if listed is None:
        return []
    if listed == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(listed).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise InputError(f"selectors {listed}: cannot be read ({why})") from None
