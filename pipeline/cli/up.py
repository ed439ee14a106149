"""``partywall up``: the embedded group as a service, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import policy
from pipeline.apps.embedded import Group
from pipeline.cli.options import ASN, COUNTRY, DATACENTRES, K, database, k_asked_for, networks
from pipeline.cli.place import DEFAULT, Place, occupied
from pipeline.errors import UnavailableError


def up(
    data: Annotated[Path, typer.Option("--data", metavar="DIR")] = DEFAULT,
    k: K = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="the broker's port; 0 takes a free one")
    ] = 0,
    mmdb_country: COUNTRY = None,
    mmdb_asn: ASN = None,
    datacentres: DATACENTRES = None,
) -> None:
    """Run broker, key service, every stage and the engine here, and print where they listen."""
    databases = {
        "mmdb_country": database("--mmdb-country", mmdb_country),
        "mmdb_asn": database("--mmdb-asn", mmdb_asn),
        "datacentres": networks("--datacentres", datacentres),
    }
    in_force = k_asked_for(policy.load(), k)
    overrides: dict[str, object] = {"split": databases, "k": in_force}
    with occupied(data):
        asyncio.run(_up(data, overrides, port))


async def _up(data: Path, overrides: dict[str, object], port: int) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with Group(data, overrides, port=port) as group:
        Place(group.bootstrap, group.engine, os.getpid()).write(data)
        try:
            console.print(
                f"broker   {group.bootstrap}   (Kafka protocol, topics logs.web and logs.widget)"
            )
            console.print(f"engine   {group.engine}   (ClickHouse SQL over HTTP, read-only)")
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
