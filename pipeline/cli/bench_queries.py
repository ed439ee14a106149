"""``partywall bench-queries``: a dashboard's questions over a year of many sites."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.options import Json


def bench_queries(
    sites: Annotated[int, typer.Option("--sites", min=50, help="that have numbers")] = 100,
    days: Annotated[int, typer.Option("--days", min=40, help="of each site")] = 365,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="the cells are kept there")
    ] = Path(".cache/released"),
    as_json: Json = False,
) -> None:
    """Fill the embedded engine with a year of cells, and time each question of a dashboard."""
    # Imported here: the other verbs shall not wait for them.
    from pipeline.bench import dashboard  # noqa: PLC0415
    from pipeline.bench.released_year import Year, make  # noqa: PLC0415

    console = Console(stderr=True, highlight=False)
    year = Year(sites, days, days)
    folder.mkdir(parents=True, exist_ok=True)
    console.print(f"{days} days of {sites} sites: made in {folder}, or found there")
    engine = make(folder, year, console.print)
    compared = dashboard.compare(engine, year)
    timed = dashboard.measure(engine, year, console.print)
    if as_json:
        found = {"questions": [asdict(t) for t in timed], "views": [asdict(c) for c in compared]}
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    out = Console(highlight=False)
    table = Table("question", "days", title="Milliseconds, medians")
    for column in ("here", "least", "through the endpoint", "statements"):
        table.add_column(column, justify="right")
    for one in timed:
        style = "bold red" if one.seconds > dashboard.WANTED else None
        numbers = (one.seconds, one.least, one.served)
        table.add_row(
            one.name,
            one.range,
            *(f"{number * 1000:.0f}" for number in numbers),
            str(one.statements),
            style=style,
        )
    out.print(table)
    for both in compared:
        out.print(
            f"roles of pages, {both.days} days: {both.newest * 1000:.0f} ms by argMax, "
            f"{both.final / both.newest:.1f} times that by FINAL, "
            f"{both.view / both.newest:.1f} times that from the view"
        )
