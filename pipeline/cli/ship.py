"""``partywall ship``: files and pipes into the raw topic, each line once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import logs
from pipeline import settings as tree
from pipeline.apps import follow as following
from pipeline.apps import ship as shipping
from pipeline.cli.checks import check_label, check_site_from, check_zone, own_format
from pipeline.cli.kept import embedded
from pipeline.cli.options import Config, Format, SiteFrom, Zone
from pipeline.cli.progress import Bars
from pipeline.clock import system_clock
from pipeline.errors import UsageError
from pipeline.labels import LIVE
from pipeline.shipping.inputs import Entry
from pipeline.shipping.resume import Points


def ship(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT…|-",
            help="files (plain, gz, bz2, xz, zst, tar), folders, 'patterns*', s3://bucket/prefix; "
            "- is standard input",
        ),
    ],
    format_: Format = "auto",
    site: Annotated[str, typer.Option("--site", metavar="NAME")] = "default",
    site_from: SiteFrom = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="who sends; the file's name before rotation unless given. It stays readable in "
            "the vault's index: no personal data in it",
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
    zone: Zone = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="go on as files grow and are rotated, until stopped"),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="ship into the group that `partywall up` runs there"
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Ship logs into Kafka; run twice, it ships nothing twice."""
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
    check_zone(zone)
    check_site_from(site_from)
    sites = partial(shipping.site_of, part=site_from) if site_from else None
    points = settings.state_dir / "ship.sqlite"
    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(what: str) -> None:
        console.print(what, markup=False)

    if follow:
        # A service, which says what it waits for.
        logs.setup(settings.log.level, json_lines=settings.log.json_lines)
        tags = shipping.Tags(site, "", format_, ingest, zone or "")
        with Bars() as bars:
            lines = asyncio.run(
                following.follow(
                    files, settings, system_clock, tags, source=source, remember=points,
                    lines_alone=one_line, tell=bars.tell, notice=say, sites=sites,
                )
            )  # fmt: skip
        say(f"shipped {lines:,} lines")
        return
    taken: list[str] = []
    plans = shipping.plan(
        files, site, source, format_, ingest, system_clock, settings.split.formats,
        zone=zone or "", usual_zone=settings.split.zone, begun=_begun(points),
        passed=lambda name: say(f"passed over {name}: it is no log"), chosen=taken.append,
        sites=sites,
    )  # fmt: skip
    if source is None:
        _check_names([plan.entry.base for plan in plans])
    with Bars() as bars:
        shipped = asyncio.run(
            shipping.ship(
                plans,
                settings,
                system_clock,
                remember=points,
                end=ingest != LIVE and not more,
                lines_alone=one_line,
                tell=bars.tell,
            )
        )
    say("\n".join([*taken, f"shipped {shipped.lines:,} lines"]))
    if shipped.waiting:
        say(f"the last line of {shipped.waiting} files has no end yet: it is shipped once it has")
    if not shipped.known:
        say(
            f"all of it was shipped before, under another ingest: {ingest} has no lines, and "
            "was not ended"
        )
    if shipped.damaged is not None:
        raise shipped.damaged


def _begun(points: Path) -> Callable[[Entry], bool]:
    """Return what tells whether something of an entry's set was shipped before."""
    if not points.exists():
        return lambda _: False

    def begun(entry: Entry) -> bool:
        with contextlib.closing(Points(points)) as kept:
            return kept.known(entry.folder, entry.base)

    return begun


def _check_names(files: list[str]) -> None:
    """Raise UsageError for a file whose name, as a label, would show somebody's address."""
    for name in files:
        if "@" in Path(name).name:
            raise UsageError(
                f"{name}: a file's name becomes the source of its lines, which is readable in the "
                "vault's index, and this one has an @ in it: name another with --source"
            )
