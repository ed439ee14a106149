"""``partywall scrub preview``: what the scrubbing rules would do to a log, in counts."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipeline import settings as tree
from pipeline.apps.preview import ScrubPreview
from pipeline.apps.preview import preview as previewed
from pipeline.cli.checks import check_label, with_own
from pipeline.cli.options import Config, Format, Json, Site
from pipeline.clock import system_clock

scrub = typer.Typer(help="Scrubbing rules.", no_args_is_help=True)


@scrub.callback()
def root() -> None:
    """Look at what the scrubbing rules do."""


@scrub.command()
def preview(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="plain, gz, bz2 or zst; - is standard input")
    ],
    format_: Format = "auto",
    site: Site = "default",
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FILE", help="scrubbing rules; the settings' unless given"),
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Count what each rule and detector would touch, and the pages that come out; show no value."""
    check_label("--site", site)
    settings = tree.load(config).split
    name, own = with_own(format_, settings.formats)
    found_format, found = previewed(
        file, name, site, rules or settings.scrub_rules, own, system_clock
    )
    if as_json:
        said = {"format": found_format, "site": site, **_document(found)}
        sys.stdout.buffer.write(orjson.dumps(said) + b"\n")
    else:
        _show(found_format, found)


def _document(found: ScrubPreview) -> dict[str, object]:
    pages = {"before": found.before, "after": found.after, "shown": found.shown}
    return {
        "lines": found.lines,
        "requests": found.requests,
        "pages": pages,
        "rules": [asdict(each) for each in found.rules],
        "detectors": [asdict(each) for each in found.detectors],
    }


def _show(format_: str, found: ScrubPreview) -> None:
    console = Console(highlight=False)
    console.print(
        f"{found.lines:,} lines, {found.requests:,} of them requests in the format {format_}"
    )
    console.print(
        f"{found.before:,} distinct paths become {found.after:,} pages by the rules, "
        f"{found.shown:,} where rare segments are replaced"
    )
    for title, touched in (("rule", found.rules), ("detector", found.detectors)):
        table = Table(box=None, header_style="bold")
        table.add_column(title)
        table.add_column("in")
        table.add_column("lines", justify="right")
        table.add_column("distinct values", justify="right")
        for each in touched:
            if each.lines:
                table.add_row(each.name, each.field, f"{each.lines:,}", f"{each.values:,}")
        console.print(table)
