"""``partywall demo``: simulated traffic the whole way, then a search for the people in it."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer
from rich.console import Console

from pipeline import policy
from pipeline.apps import oneshot, ship
from pipeline.apps.embedded import Group
from pipeline.cli.k_told import k_asked_for
from pipeline.cli.options import K
from pipeline.cli.private import private_folder
from pipeline.cli.progress import Bars
from pipeline.clock import system_clock
from pipeline.errors import PartywallError
from pipeline.kafka import topics
from pipeline.kafka.reading import read_all
from pipeline.report.terminal import render

if TYPE_CHECKING:
    from pipeline.demo.search import Blob, Findings
    from pipeline.demo.traffic import Traffic

_DAYS: Final = 3
_RAW: Final = "raw"


class LeakError(PartywallError):
    """A planted value was found outside the raw tier."""


def demo(
    seed: Annotated[int, typer.Option("--seed", help="other traffic, other people")] = 7,
    lines: Annotated[int, typer.Option("--lines", min=1000)] = 40_000,
    k: K = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> None:
    """Simulate a shop and its chat widget, run every stage, and look for every planted person."""
    from pipeline.demo.traffic import simulate  # noqa: PLC0415 -- only here, as the search

    terms = policy.load()
    in_force = k_asked_for(terms, k)
    console = Console(highlight=False)
    began = time.monotonic()
    start = system_clock() - dt.timedelta(days=_DAYS + 1)
    with private_folder() as folder, Bars() as bars:
        bars.say("simulating")
        traffic = simulate(start, seed=seed, lines=lines, days=_DAYS)
        outcome, findings = asyncio.run(_run(folder, traffic, terms, in_force, bars))
    if as_json:
        console.out(orjson.dumps(_summary(findings, traffic)).decode())
    else:
        render(outcome.report, outcome.account, console)
        _tell(console, findings, traffic, time.monotonic() - began)
    if not findings.clean:
        raise LeakError("planted values were found outside the raw tier")


async def _run(
    folder: Path, traffic: Traffic, made: policy.Policy, k: int, bars: Bars
) -> tuple[oneshot.Outcome, Findings]:
    from pipeline.demo.search import search, walk  # noqa: PLC0415

    plans = _plans(folder / "input", traffic)
    overrides: dict[str, object] = {
        "split": {"own_hosts": {"shop": ["shop.example"], "chat": ["chat.example"]}},
        "log": {"level": "debug"},
        "k": k,
    }
    async with Group(folder / "data", overrides) as group:
        outcome = await oneshot.run(group, plans, made, system_clock, k=k, tell=bars.tell)
        bars.say("searching every byte at rest")
        blobs = [*walk(folder / "data")]
        blobs += [blob async for blob in _messages(group, made)]
    return outcome, await asyncio.to_thread(search, blobs, traffic.plants)


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
        "packed_leak": findings.packed.leak,
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
        f" searched  {findings.bytes:,} bytes at rest in {findings.blobs:,} files and messages, "
        f"and {findings.unfolded:,} bytes inside compressed blocks"
    )
    verdict = "[green]nobody[/green]" if findings.clean else "[red]somebody[/red]"
    console.print(f" found     {len(findings.hits):,} hits: {verdict}")
    for line in sorted({f"{h.kind} as {h.encoding} in {h.where}" for h in findings.hits})[:20]:
        console.print(f"           {line}")
    for name in findings.unread[:5]:
        console.print(f" not taken apart: {name}")
    console.print(f" took      {seconds:.0f} s")
