"""``partywall bench-memory``: what an open day costs the release, and what many would."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from pipeline import policy
from pipeline.cli.options import Json
from pipeline.errors import UsageError

_AN_HOUR: Final = 10_000_000
_GIB: Final = 1 << 30


def bench_memory(
    visits: Annotated[int, typer.Option("--visits", min=100, help="of the simulated day")] = 50_000,
    k: Annotated[int, typer.Option("--k", min=2, help="fewest visitors behind a number")] = 10,
    partitions: Annotated[
        int, typer.Option("--partitions", min=1, help="among which 10 million events an hour go")
    ] = 16,
    seed: Annotated[int, typer.Option("--seed", min=0, help="other traffic, other people")] = 7,
    as_json: Json = False,
) -> None:
    """Give the release a simulated day; memory while it is open, and when it closes."""
    # Imported here: the other verbs shall not wait for the arrays.
    from pipeline.bench import open_day  # noqa: PLC0415

    try:
        found = open_day.measure(visits, k, policy.load(None).current.crossings, seed)
    except FileNotFoundError:
        raise UsageError("bench-memory reads /proc, so it runs on Linux alone") from None
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(asdict(found)) + b"\n")
        return
    out = Console(highlight=False)
    out.print(f"a day of {visits:,} visits: {found.hits:,} hits, {found.rows:,} rows of cells")
    share = _AN_HOUR / partitions
    out.print(
        f"bytes a hit, and GiB for each of {partitions} partitions at {share:,.0f} events an hour:"
    )
    for name, size, days in (
        ("held of an open day", found.held, 2),
        ("more while an hour closes", found.hour - found.held, 1),
        ("more while the day closes", found.close - found.held, 1),
    ):
        of_hit = max(size, 0) / found.hits
        out.print(f"  {name:27}{of_hit:7.0f}{days * of_hit * 24 * share / _GIB:8.1f}")
    out.print("The first is of two days: one that is open, and one that waits for late lines.")
