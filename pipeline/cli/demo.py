"""``partywall demo``: simulated traffic the whole way, then a search for the people in it."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer
from rich.console import Console

from pipeline import policy
from pipeline.apps import oneshot, ship
from pipeline.apps.embedded import ONCE, Group
from pipeline.cli.k_told import k_asked_for
from pipeline.cli.options import K
from pipeline.cli.place import Place
from pipeline.cli.private import private_folder
from pipeline.cli.progress import Bars
from pipeline.clock import system_clock
from pipeline.errors import PartywallError, UnavailableError, UsageError
from pipeline.kafka import topics
from pipeline.kafka.reading import read_all
from pipeline.report.terminal import render

if TYPE_CHECKING:
    from pipeline.demo.search import Blob, Findings
    from pipeline.demo.traffic import Traffic

_DAYS: Final = 3
_DAY: Final = 86_400
_RAW: Final = "raw"
_CONSOLE: Final = ("console",)
_OWN_HOSTS: Final = {
    "shop": ["shop.example"],
    "chat": ["chat.example"],
    "books": ["www.books.example"],
}
_PAGES: Final = {
    "checkout": {"page": "/checkout"},
    "cart": {"page": "/cart"},
    "product": {"page": "/products/*"},
}
_CHATS: Final = 0.25
"""Share of visits that open the bookshop's chat: on most pages k visitors of a day ask for one."""
_GOALS: Final = {"shop": _PAGES, "books": _PAGES | {"chat": {"event": "chat_started"}}}


class LeakError(PartywallError):
    """A planted value was found outside the raw tier."""


def demo(
    seed: Annotated[int, typer.Option("--seed", help="other traffic, other people")] = 7,
    lines: Annotated[int, typer.Option("--lines", min=1000)] = 40_000,
    k: K = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="leave the console running, until you stop it")
    ] = False,
) -> None:
    """Simulate a shop and its chat widget, run every stage, and look for every planted person."""
    if serve and as_json:
        raise UsageError("--serve: prints an address, not JSON; leave one of the two out")
    from pipeline.demo.traffic import simulate  # noqa: PLC0415 -- only here, as the search

    terms = policy.load()
    in_force = k_asked_for(terms, k)
    console = Console(highlight=False)
    began = time.monotonic()
    start = system_clock() - dt.timedelta(days=_DAYS)
    with private_folder() as folder, Bars() as bars:
        bars.say("simulating")
        traffic = simulate(start, seed=seed, lines=lines, days=_DAYS)

        def told(outcome: oneshot.Outcome, findings: Findings) -> None:
            bars.end()
            if as_json:
                console.out(orjson.dumps(_summary(findings, traffic)).decode())
                return
            render(outcome.report, outcome.account, console)
            _tell(console, findings, traffic, time.monotonic() - began)

        served = console if serve else None
        clean, address = asyncio.run(_run(folder, traffic, terms, in_force, bars, told, served))
    if not clean:
        raise LeakError("planted values were found outside the raw tier")
    if not (as_json or serve):
        console.print(
            f" console   {address}   (it has ended; make demo ARGS=--serve leaves it running)",
            markup=False,
            soft_wrap=True,
        )


async def _run(
    folder: Path,
    traffic: Traffic,
    made: policy.Policy,
    k: int,
    bars: Bars,
    told: Callable[[oneshot.Outcome, Findings], None],
    served: Console | None,
) -> tuple[bool, str]:
    """Return whether nobody was found, and where the console was.

    With ``served`` only once somebody has stopped it.
    """
    from pipeline.demo.search import search, walk  # noqa: PLC0415
    from pipeline.demo.seen import origin, seen  # noqa: PLC0415

    plans = _plans(folder / "input", traffic)
    if served is not None:
        plans += _books(folder / "books", plans[0].tags.ingest)
    overrides: dict[str, object] = {
        "split": {"own_hosts": _OWN_HOSTS},
        "goals": _GOALS,
        "log": {"level": "debug"},
        "k": k,
    }
    data = folder / "data"
    processes = (*ONCE, _CONSOLE)
    async with Group(data, overrides, processes=processes, held=(_CONSOLE,)) as group:
        outcome = await oneshot.run(group, plans, made, system_clock, k=k, tell=bars.tell)
        bars.say("opening the console")
        await group.release_held()
        shown = await seen(group.console)
        bars.say("searching every byte at rest")
        blobs = [*shown, *walk(data)]
        blobs += [blob async for blob in _messages(group, made)]
        findings = await asyncio.to_thread(search, blobs, traffic.plants)
        told(outcome, findings)
        if served is not None and findings.clean:
            await _serve(group, data, served)
        return findings.clean, origin(group.console)


async def _serve(group: Group, data: Path, console: Console) -> None:
    """Leave the console running until somebody stops it, with traffic of now."""
    from pipeline.demo.feed import feed  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    Place(group.bootstrap, group.engine, os.getpid()).write(data)
    console.print(
        f" console   {group.console}   (this link signs you in)", markup=False, soft_wrap=True
    )
    console.print(
        f" ask       partywall query sources --site books --data {data}",
        markup=False,
        soft_wrap=True,
    )
    console.print(
        " live      books is being visited: in some minutes the first are told, on its page and by "
        f"partywall query live --site books --data {data}",
        markup=False,
        soft_wrap=True,
    )
    console.print(" Ctrl-C ends it, and removes everything", markup=False, soft_wrap=True)
    failed = asyncio.create_task(group.failed.wait())
    stopping = asyncio.create_task(stop.wait())
    feeding = asyncio.create_task(feed("books", group, data.parent / "live", system_clock))
    done, _ = await asyncio.wait({failed, stopping, feeding}, return_when=asyncio.FIRST_COMPLETED)
    for task in (failed, stopping, feeding):
        task.cancel()
    if feeding in done:
        feeding.result()
    if group.failed.is_set():
        raise UnavailableError(group.reason)


def _books(folder: Path, ingest: str) -> list[ship.Plan]:
    """Return what there is to ship of one more site, whose pages have a chat widget that logs."""
    from pipeline.simulate import formats, run  # noqa: PLC0415
    from pipeline.simulate.traffic import Scenario  # noqa: PLC0415

    start = int(system_clock().timestamp()) // _DAY * 24 - 24 * _DAYS
    scenario = Scenario(
        seed=7, start=start, days=_DAYS, visits=2_000, bad=0, late=0, zone="UTC", chats=_CHATS
    )
    run.simulate(folder, scenario, ["books"], formats.named("combined"))
    web, widget = folder / "books/combined.log", folder / "books" / run.WIDGET
    return [
        plan
        for path, kind in ((web, "combined"), (widget, "widget"))
        for plan in ship.plan([str(path)], "books", "books", kind, ingest, system_clock)
    ]


def _plans(folder: Path, traffic: Traffic) -> list[ship.Plan]:
    folder.mkdir(parents=True)
    ingest = f"demo-{secrets.token_hex(4)}"
    plans = []
    for site in traffic.truth:
        path = folder / f"{site}.log"
        path.write_bytes(b"\n".join(traffic.of(site)) + b"\n")
        plans += ship.plan([str(path)], site, site, "combined", ingest, system_clock)
    return plans


async def _messages(group: Group, made: policy.Policy) -> AsyncIterator[Blob]:
    """Yield every message of every topic outside the raw tier."""
    from pipeline.demo.search import Blob  # noqa: PLC0415

    for topic in topics.declared(made.current.retention).values():
        if topic.tier == _RAW:
            continue
        async for record in read_all(group.kafka(), topic.name, topic.partitions):
            where = f"{topic.name}:{record.partition}:{record.offset}"
            for part in _parts(record.key, record.value, record.headers):
                yield Blob(where, part)


def _parts(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> Iterator[bytes]:
    yield from (part for part in (key, value) if part)
    yield from (name.encode() + b"=" + content for name, content in headers)


def _summary(findings: Findings, traffic: Traffic) -> dict[str, object]:
    return {
        "planted": len(traffic.plants),
        "patterns": findings.patterns,
        "blobs": findings.blobs,
        "bytes": findings.bytes,
        "unfolded_bytes": findings.unfolded,
        "hits": len(findings.hits),
        "packed_leak": findings.packed_leak,
        "unread": findings.unread,
        "where": sorted({f"{h.kind} as {h.encoding} in {h.where}" for h in findings.hits})[:20],
    }


def _tell(console: Console, findings: Findings, traffic: Traffic, seconds: float) -> None:
    console.print("\n[bold]Is anybody in there?[/bold]")
    console.print(
        f" planted   {len(traffic.plants):,} personal values, each looked for in "
        f"{findings.patterns / len(traffic.plants):.0f} encodings"
    )
    console.print(
        f" searched  {findings.bytes:,} bytes in {findings.blobs:,} files, messages and pages of "
        f"the console, and {findings.unfolded:,} bytes inside compressed blocks",
        soft_wrap=True,
    )
    verdict = "[green]nobody[/green]" if findings.clean else "[red]somebody[/red]"
    console.print(f" found     {len(findings.hits):,} hits: {verdict}")
    for line in sorted({f"{h.kind} as {h.encoding} in {h.where}" for h in findings.hits})[:20]:
        console.print(f"           {line}")
    for form, evidence in findings.packed.items():
        if evidence.leak:
            console.print(f"           {evidence.planted:,} addresses, {form}: more than by chance")
    for name in findings.unread[:5]:
        console.print(f" not taken apart: {name}")
    console.print(f" took      {seconds:.0f} s")
