"""``partywall bench``: how fast, set against others in the same run, after parity is proved."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Final

import orjson
import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from pipeline import policy
from pipeline.apps.embedded import Group
from pipeline.bench.figures import Figures, Rate
from pipeline.cli.options import Json
from pipeline.cli.private import private_folder
from pipeline.errors import PartywallError

_FAUST_LINES: Final = 50_000


class ParityError(PartywallError):
    """What came out is not what the slow reference says."""


def bench(
    lines: Annotated[
        int | None,
        typer.Option("--lines", min=1000, help="1,000,000, or 200,000 of each format"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed")] = 7,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare", help="also time the others, and the run without sealing"
        ),
    ] = True,
    by_format: Annotated[
        bool, typer.Option("--formats", help="time split alone, on lines of every format")
    ] = False,
    as_json: Json = False,
) -> None:
    """Time the whole way on generated lines; check every cell against plain Python first."""
    if by_format:
        _formats(lines, seed, as_json=as_json)
        return
    lines = lines or 1_000_000
    # Imported here: the other verbs shall not wait for the reference and its arrays.
    from pipeline.bench import parity  # noqa: PLC0415
    from pipeline.bench import run as wiring  # noqa: PLC0415
    from pipeline.bench.generate import generate  # noqa: PLC0415

    console = Console(stderr=True, highlight=False)
    made = policy.load()
    with private_folder() as folder:
        file = folder / "bench.log"
        console.print(f"generating {lines:,} lines")
        generate(file, lines, seed=seed)
        console.print("running the whole way")
        run = asyncio.run(wiring.run(folder / "a", file, lines, made, sealing=True))
        console.print("checking every cell against the reference in plain Python")
        expected, count = wiring.expected(file, made.current.k)
        difference = parity.first_difference(run.tables, expected)
        if difference is not None:
            raise ParityError(f"no figures: {difference}")
        unsealed = polars = faust = goaccess = rsyslog = None
        if compare:
            console.print("running it again without sealing")
            bare = asyncio.run(wiring.run(folder / "b", file, lines, made, sealing=False))
            unsealed = lines / bare.seconds
            console.print("timing the others")
            polars, faust, goaccess, rsyslog = _others(folder, file, lines)
        figures = Figures(
            lines=count.lines,
            parity=True,
            end_to_end=lines / run.seconds,
            end_to_end_unsealed=unsealed,
            polars_parse=polars,
            faust_per_event=faust,
            goaccess=goaccess,
            rsyslog_mmanon=rsyslog,
            peak_memory=run.peak_memory,
            stages=run.stages,
            machine=_machine(),
        )
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(figures.document()) + b"\n")
        return
    out = Console()
    for table in figures.tables():
        out.print(table)
    out.print(f"measured on {figures.machine}: compare ratios, not rates, between machines")


def _formats(lines: int | None, seed: int, *, as_json: bool) -> None:
    # Imported here, as above.
    from pipeline.bench import formats  # noqa: PLC0415

    count = lines or formats.LINES
    console = Console(stderr=True, highlight=False)
    found = []
    for speed in formats.speeds(policy.load(), count, seed=seed):
        console.print(f"{speed.name}: {speed.split:,.0f} lines/s")
        found.append(speed)
    if as_json:
        rates = {
            speed.name: {
                "lines_per_second": round(speed.split),
                "read_lines_per_second": round(speed.read),
                "microseconds_of_work": round(speed.work, 2),
                "line_bytes": speed.bytes,
            }
            for speed in found
        }
        document = {"lines": count, "formats": rates, "machine": _machine()}
        sys.stdout.buffer.write(orjson.dumps(document) + b"\n")
        return
    table = Table("format", title=f"split, {count:,} lines of each format, all of them events")
    for column in ("lines/s", "beside combined", "reading alone", "µs of work a line", "bytes"):
        table.add_column(column, justify="right")
    first = found[0].split
    for speed in found:
        table.add_row(
            speed.name,
            f"{speed.split:,.0f}",
            f"{speed.split / first:.2f} x",
            f"{speed.read:,.0f}",
            f"{speed.work:.1f}",
            str(speed.bytes),
        )
    out = Console()
    out.print(table)
    out.print(f"measured on {_machine()}: compare ratios, not rates, between machines")


def _machine() -> str:
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {python}"


def _others(folder: Path, file: Path, lines: int) -> tuple[Rate, Rate, Rate, Rate]:
    from pipeline.bench import comparators  # noqa: PLC0415

    series = pl.Series(file.read_text(encoding="utf-8").splitlines())
    polars = comparators.polars_parse(series)
    some = [line.encode() for line in series.head(_FAUST_LINES)]
    del series
    faust = asyncio.run(_faust(folder / "c", some))
    return polars, faust, comparators.goaccess(file, lines), comparators.rsyslog_mmanon(file, lines)


async def _faust(folder: Path, lines: list[bytes]) -> float:
    from pipeline.bench import comparators  # noqa: PLC0415

    async with Group(folder, processes=()) as group:
        return await asyncio.to_thread(comparators.faust_per_event, group.bootstrap, lines)
