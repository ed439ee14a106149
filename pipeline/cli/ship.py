"""``partywall ship``: files and pipes into the raw topic, each line once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import settings as tree
from pipeline.apps import ship as shipping
from pipeline.cli.options import Config, Format, check_label, distinct
from pipeline.cli.place import running
from pipeline.cli.progress import Bars
from pipeline.clock import system_clock
from pipeline.labels import LIVE
from pipeline.settings import Kafka, Settings


def ship(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…|-", help="plain, gz, bz2 or zst; - is standard input"),
    ],
    format_: Format = "auto",
    site: Annotated[str, typer.Option("--site", metavar="NAME")] = "default",
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="who sends; the file's name unless given"),
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
    settings = tree.load(config)
    if data is not None:
        settings = embedded(settings, data)
    plans = shipping.plan(distinct(files), site, source, format_, ingest, system_clock)
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
    Console(stderr=True).print(f"shipped {shipped.lines:,} lines", highlight=False)
    if shipped.damaged is not None:
        raise shipped.damaged


def embedded(settings: Settings, data: Path) -> Settings:
    """Return the settings for the group that runs in a folder; raises UsageError."""
    place = running(data)
    return settings.model_copy(
        update={
            "kafka": Kafka(bootstrap=place.bootstrap, idempotence=False),
            "state_dir": data / "state",
        }
    )
