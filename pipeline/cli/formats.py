"""``partywall formats`` and ``partywall try``: which formats there are, and what one finds."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from pipeline import settings as tree
from pipeline.apps import trial
from pipeline.cli.checks import with_own
from pipeline.cli.options import Config, Json
from pipeline.clock import system_clock
from pipeline.errors import UsageError

_HEADS: Final = ("Field", "Lines", "Treatment", "Becomes", "Looks like (masked)")


def formats(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="show the page of this one")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the log formats that are read, or show the page of one."""
    listed = trial.listing()
    if name is not None:
        pages = [entry for entry in listed if entry.name == name.removesuffix(".")]
        if not pages:
            raise UsageError(f"no format is called {name}: `partywall formats` lists them")
        if as_json:
            _print([asdict(entry) for entry in pages])
        else:
            Console().print(Markdown(pages[0].page))
        return
    if as_json:
        _print([{"name": e.name, "kind": e.kind, "about": e.about} for e in listed])
        return
    table = Table(box=None, pad_edge=False)
    for head in ("Format", "What it is"):
        table.add_column(head)
    for entry in listed:
        shown = entry.name if entry.kind == "format" else f"{entry.name}.FORMAT"
        table.add_row(shown, entry.about)
    console = Console(highlight=False)
    console.print(table)
    console.print(
        "\nAny Apache LogFormat or nginx log_format string is a format too, and so are a field map "
        "and a regular expression under split.formats.\n`partywall formats NAME` shows a page, "
        "`partywall try FORMAT FILE` what a format finds in a file."
    )


def try_(
    format_: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help="auto, a name, a server's format string, or a YAML file"
        ),
    ],
    file: Annotated[str, typer.Argument(metavar="FILE", help="a log; - is standard input")],
    as_json: Json = False,
    zone: Annotated[
        str | None, typer.Option("--zone", help="time zone of times without an offset")
    ] = None,
    config: Config = None,
) -> None:
    """Show what a format finds in a file's first lines, and what is done with it; no values."""
    split = tree.load(config).split
    name, own = with_own(format_, split.formats)
    changed = {"formats": own, **({"zone": zone} if zone else {})}
    found = trial.tried(file, name, split.model_copy(update=changed), system_clock)
    if as_json:
        _print({"file": file, **asdict(found)})
        return
    _render(found, file, Console(highlight=False))


def _render(found: trial.Trial, file: str, console: Console) -> None:
    chosen = f" (chosen: it reads {found.why})" if found.why else ""
    console.print(f"{file}: {found.format}{chosen}", markup=False, soft_wrap=True)
    said = f"{found.events:,} events, {found.rejected:,} rejected, {found.ignored:,} ignored"
    reasons = ", ".join(f"{reason} {lines:,}" for reason, lines in found.reasons.items())
    why = f" ({reasons})" if reasons else ""
    console.print(f"first {found.lines:,} lines: {said}{why}\n", markup=False)
    table = Table(box=None, pad_edge=False)
    for head in _HEADS:
        table.add_column(head, justify="right" if head == "Lines" else "left")
    for entry in found.fields:
        table.add_row(
            entry.name, f"{entry.lines:,}", entry.treatment, entry.becomes, _plain(entry.mask)
        )
    table.add_row("the rest", "", "sealed", "nothing; whole lines go into the vault", "")
    console.print(table)
    if found.advice:
        console.print(f"\n{found.advice}", markup=False)


def _plain(mask: str) -> str:
    return mask.replace("[", r"\[")


def _print(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
