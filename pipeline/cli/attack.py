"""``partywall attack``: works out from the released tables what it should not be able to."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from pipeline.attack.numbers import by_day
from pipeline.attack.reading import Tables
from pipeline.attack.tries import Finding, Found, attack_day
from pipeline.cli.asking import asking
from pipeline.cli.options import Config, Json
from pipeline.clock import system_clock

_DAY: Final = 86_400
_MARGIN: Final = 3 * _DAY
"""Seconds between the first and the last row of a day, at most, in which one may expire before."""


def attack(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="the folder of `up` or of `report --data`"),
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Try to work a person out of the released tables; exit 1 where a number gives one away."""
    status = Console(stderr=True).status("reading the released tables")
    with asking(data, config) as (whom, run), status:
        k, kept = whom.k, whom.policy.current.retention.rollups_days * _DAY
        tables = Tables.found(run)
        found = Found()
        for dates in tables.days(int(system_clock().timestamp()) - kept + _MARGIN):
            status.update(f"trying {min(dates)} to {max(dates)}")
            batch = tables.read(dates)
            found.findings += (Finding("inconsistent", "", "", say, 0) for say in batch.differing)
            found.unsettled += not batch.settled
            for day in by_day(batch.numbers):
                attack_day(day, k, found)
    if as_json:
        told = {"k": k, **asdict(found), "tried": dict(found.tried)}
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    else:
        _tell(found, k)
    if found.findings:
        raise typer.Exit(1)


def _tell(found: Found, k: int) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    tried = found.tried
    console.print(
        f"read {found.numbers:,} numbers of {found.days:,} days of sites, each said to be of {k} "
        "visitors or more"
    )
    console.print(
        f"tried {tried['pair']:,} pairs, {tried['triple']:,} triples, {tried['remainder']:,} "
        f"remainders, and {tried['system']:,} sums of {found.systems:,} linked tables"
    )
    if found.left_out:
        console.print(f"left out: {found.left_out:,} linked tables that are too large to solve")
    if found.unsettled:
        console.print("numbers kept arriving: ask again when less is loaded")
    if found.overlaps:
        console.print(
            f"overlaps: {found.overlaps:,} pairs of nested sets have 1 to {k - 1} visitors between "
            f"their counts, and {k} requests or more: how many visitors two sets share is a known "
            "limit (docs/attack.md)"
        )
    for one in found.findings:
        who = "" if one.visitors is None else f", {one.visitors} visitors"
        where = " ".join(part for part in (one.site, one.ingest) if part)
        console.print(f"{one.fault}: {where}: {one.what}: {one.hits} hits{who}")
    if not found.findings:
        console.print(f"nothing was worked out that stands for 1 to {k - 1} visitors")
