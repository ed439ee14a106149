"""``partywall ship``: files and pipes into the raw topic, each line once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import settings as tree
from pipeline.apps import ship as shipping
from pipeline.cli.kept import embedded
from pipeline.cli.options import Config, Format, check_label, distinct, own_format
from pipeline.cli.progress import Bars
from pipeline.clock import system_clock
from pipeline.errors import UsageError
from pipeline.labels import LIVE


def ship(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…|-", help="plain, gz, bz2 or zst; - is standard input"),
    ],
    format_: Format = "auto",
    site: Annotated[str, typer.Option("--site", metavar="NAME")] = "default",
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="who sends; the file's name unless given. It stays readable in the vault's index: "
            "no personal data in it",
        ),
    ] = None,
    ingest: Annotated[
        str,
        typer.Option("--ingest", metavar="NAME", help="live, or a name of its own for old files"),
    ] = LIVE,
    more: Annotated[
        bool,
        typer.Option("--more", help="more files of this ingest follow: leave its windows open"),
    ] = False,
    one_line: Annotated[
        bool, typer.Option("--one-line", help="one line a message instead of chunks")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="ship into the group that `partywall up` runs there"
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Ship files into Kafka; run twice, it ships nothing twice."""
    check_label("--site", site)
    check_label("--ingest", ingest)
    if source is not None:
        check_label("--source", source)
    else:
        _check_names(files)
    settings = tree.load(config)
    if data is not None:
        settings = embedded(settings, data)
    if own_format(format_) is not None:
        raise UsageError(
            "--format: whoever splits must know it too; give it a name in the settings, under "
            "split.formats, and name that"
        )
    own = settings.split.formats
    plans = shipping.plan(distinct(files), site, source, format_, ingest, system_clock, own)
    with Bars() as bars:
        shipped = asyncio.run(
            shipping.ship(
                plans,
                settings,
                system_clock,
                remember=settings.state_dir / "ship.json",
                end=ingest != LIVE and not more,
                lines_alone=one_line,
                tell=bars.tell,
            )
        )
    console = Console(stderr=True, highlight=False)
    console.print(f"shipped {shipped.lines:,} lines")
    if not shipped.known:
        console.print(
            f"all of it was shipped before, under another ingest: {ingest} has no lines, and "
            "was not ended",
            soft_wrap=True,
        )
    if shipped.damaged is not None:
        raise shipped.damaged


def _check_names(files: list[str]) -> None:
    """Raise UsageError for a file whose name, as a label, would show somebody's address."""
    for name in files:
        if "@" in Path(name).name:
            raise UsageError(
                f"{name}: a file's name becomes the source of its lines, which is readable in the "
                "vault's index, and this one has an @ in it: name another with --source"
            )
