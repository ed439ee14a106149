"""``partywall bench-loss``: what k costs, by the size of a site and the way of folding."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipeline import policy
from pipeline.cli.options import Json
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.bench.loss import Loss

_MOST: Final = 200_000
"""Visits of a day that fit two minutes and 3 GB."""


def bench_loss(
    visits: Annotated[
        str, typer.Option("--visits", metavar="N,N", help="a day, of each site")
    ] = "100,10000,1000000",
    k: Annotated[int, typer.Option("--k", min=2, help="fewest visitors behind a number")] = 10,
    most: Annotated[
        int, typer.Option("--most", min=100, help="visits that are simulated of a larger site")
    ] = _MOST,
    seed: Annotated[int, typer.Option("--seed", min=0, help="other traffic, other people")] = 7,
    as_json: Json = False,
) -> None:
    """Simulate a day of sites of several sizes; share of the hits that is not told, and why."""
    # Imported here: the other verbs shall not wait for the arrays.
    from pipeline.bench import loss  # noqa: PLC0415

    sizes = _sizes(visits)
    made = policy.load(None)
    crossings, place_floor = made.current.crossings, policy.floor_in_force(made, k)
    told = Console(stderr=True, highlight=False)
    found = []
    for size in sizes:
        taken = min(size, most)
        if taken < size:
            told.print(
                f"{size:,} visits a day: {taken:,} of them are simulated, and the figures are of "
                "those; --most takes more, at about 10 KB a visit"
            )
        found.append(loss.measure(taken, k, place_floor, crossings, list(loss.WAYS), seed))
        if not as_json:
            _print(found[-1], list(loss.WAYS))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([asdict(one) for one in found]) + b"\n")


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise UsageError("--visits: write numbers from 1 on with commas, as in 100,10000")
    return sizes


def _print(found: Loss, ways: list[str]) -> None:
    out = Console(highlight=False)
    out.print(
        f"{found.visits:,} visits, {found.hits:,} hits; withheld {found.withheld:.2%} of the hits"
    )
    for table, title in (("hours", "under (other), hours"), ("days", "under (other), days"),
                         ("pairs", "told in pairs")):  # fmt: skip
        # Pairs are made of days, and change nothing of them.
        shown = ways if table == "pairs" else [ways[0], ways[-1]]
        printed = Table("segment", "of", title=f"share of the hits {title}")
        for way in shown:
            printed.add_column(way, justify="right")
        shares = {(s.segment, s.name, s.way): s.share for s in found.shares if s.table == table}
        for segment, name in dict.fromkeys((one[0], one[1]) for one in shares):
            plain = name.removesuffix(", or part")
            row = [
                shares.get((segment, name, way), shares.get((segment, plain, way), 0.0))
                for way in shown
            ]
            if any(row):
                printed.add_row(segment, name, *(f"{share:.1%}" for share in row))
        out.print(printed)
