"""``partywall up``: the embedded group as a service, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pipeline import policy
from pipeline import settings as tree
from pipeline.apps import trial
from pipeline.apps.carried import carried
from pipeline.apps.embedded import PROCESSES, Group
from pipeline.cli.checks import check_label, database, networks
from pipeline.cli.k_told import k_asked_for
from pipeline.cli.options import ASN, COUNTRY, DATACENTRES, PLACES, Config, K
from pipeline.cli.place import DEFAULT, Place, occupied
from pipeline.errors import UnavailableError, UsageError


def up(
    data: Annotated[Path, typer.Option("--data", metavar="DIR")] = DEFAULT,
    k: K = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="the broker's port; 0 takes a free one")
    ] = 0,
    collect_port: Annotated[
        int,
        typer.Option(
            "--collect-port", min=0, max=65535, help="the collector's port; 0 takes a free one"
        ),
    ] = 0,
    console_port: Annotated[
        int,
        typer.Option(
            "--console-port", min=0, max=65535, help="the console's port; 0 takes a free one"
        ),
    ] = 0,
    pages_port: Annotated[
        int,
        typer.Option(
            "--pages-port",
            min=0,
            max=65535,
            help="the port of the investigators' pages; 0 takes a free one",
        ),
    ] = 0,
    widget: Annotated[
        list[str] | None,
        typer.Option(
            "--widget", metavar="SITE=ORIGIN", help="a site whose pages may send; may be repeated"
        ),
    ] = None,
    mmdb_country: COUNTRY = None,
    places: PLACES = None,
    mmdb_asn: ASN = None,
    datacentres: DATACENTRES = None,
    config: Config = None,
) -> None:
    """Run broker, key service, every stage and the engine here, and print where they listen."""
    settings = tree.load(config)
    split = settings.split
    databases = {
        "mmdb_country": database("--mmdb-country", mmdb_country)
        or database("setting split.mmdb_country", split.mmdb_country),
        "places": places or split.places,
        "mmdb_asn": database("--mmdb-asn", mmdb_asn)
        or database("setting split.mmdb_asn", split.mmdb_asn),
        "datacentres": networks("--datacentres", datacentres)
        or networks("setting split.datacentres", split.datacentres),
    }
    made = policy.load(settings.policy)
    # On the command line any k is asked for by name; in settings one of 2 or more, below the
    # policy's, needs `lower_k` too.
    wanted = k or policy.k_in_force(made, settings.k, lower=settings.lower_k)
    overrides = carried(settings, tree.written())
    trial.check(split.model_copy(update=databases))
    settings.windows.clocks()
    overrides["split"] = overrides.get("split", {}) | databases
    overrides["k"] = k_asked_for(made, wanted)
    collect = overrides.get("collect", {})
    sites = _sites(widget or [], collect.get("sites", {}))
    overrides["collect"] = collect | {"port": collect_port, "sites": sites}
    overrides["console"] = overrides.get("console", {}) | {"port": console_port}
    overrides["investigations"] = overrides.get("investigations", {}) | {"port": pages_port}
    with occupied(data):
        asyncio.run(_up(data, overrides, port))


def _sites(given: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """Return ``collect.sites``: ``known`` and ``SITE=ORIGIN`` words; raises UsageError."""
    sites = {name: {**about} for name, about in known.items()}
    for word in given:
        name, equals, origin = word.partition("=")
        check_label("--widget", name)
        if not equals or "://" not in origin:
            raise UsageError("--widget: give SITE=ORIGIN, such as shop=https://shop.example")
        about = sites.setdefault(name, {})
        about["origins"] = [*about.get("origins", []), origin]
    return sites


async def _up(data: Path, overrides: dict[str, object], port: int) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if sys.stderr.isatty():
        sys.stderr.write("starting broker, key service, stages, engine and pages: about 10 s\n")
    async with Group(data, overrides, port=port, processes=PROCESSES) as group:
        Place(group.bootstrap, group.engine, os.getpid()).write(data)
        try:
            console.print(
                f"broker   {group.bootstrap}   (Kafka protocol, topics logs.web and logs.widget)"
            )
            console.print(f"engine   {group.engine}   (ClickHouse SQL over HTTP, read-only)")
            demo = group.settings["collect"].get("demo", True)
            page = "; a page to try at /demo" if demo else ""
            console.print(f"collect  {group.collector}   (widget events{page})")
            console.print(f"console  {group.console}   (numbers; this link signs you in)")
            console.print(f"pages    {group.pages}   (investigations; sign in by name)")
            console.print(f"data     {data}   (logs of each process in {data / 'log'})")
            console.print(f"try      partywall ship --data {data} access.log")
            console.print(
                "The embedded broker keeps messages in memory: windows that are still open are "
                "lost when this stops. For service, run the stages against Kafka."
            )
            ending = {asyncio.create_task(stop.wait()), asyncio.create_task(group.failed.wait())}
            await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            Place.forget(data)
        if group.failed.is_set():
            raise UnavailableError(group.reason)
