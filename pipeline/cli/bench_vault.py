"""``partywall bench-vault``: looking an address up in a day of the vault, beside a full scan."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.options import Json
from pipeline.settings import Vault
from pipeline.vault.upkeep import MOST_RECORDS

if TYPE_CHECKING:
    from pipeline.bench.vault import LookUp, Measured

_PARTITIONS: Final = 4
"""As many as ``vault.sealed`` is declared with: each has segments of its own."""

_LARGE: Final = 100_000_000


def bench_vault(
    records: Annotated[
        int, typer.Option("--records", min=100_000, help="of the simulated day")
    ] = 20_000_000,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="the day is kept there for another run")
    ] = Path(".cache/vault"),
    seed: Annotated[int, typer.Option("--seed")] = 7,
    as_json: Json = False,
) -> None:
    """Make a day of records in the vault, look addresses up, cold, in it and in ninety of them."""
    # Imported here: the other verbs shall not wait for the arrays.
    from pipeline.bench import sealed_day, vault  # noqa: PLC0415

    console = Console(stderr=True, highlight=False)
    usual = Vault()
    plan = sealed_day.Plan(records, _PARTITIONS, usual.flush_bytes, usual.flush_seconds, seed)
    console.print(f"a day of {records:,} records: made in {folder}, or found there")
    day = sealed_day.make(folder, plan)
    found = vault.measure(day, console.print)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(_document(found)) + b"\n")
        return
    out = Console(highlight=False)
    out.print(_table("the present day", found.present, found.present_bytes))
    out.print(_table("a day that is over", found.day, found.bytes))
    out.print(_table("ninety days", found.days, found.bytes * vault.DAYS))
    full = found.scan.seconds * found.present_bytes / found.scan.sampled_bytes
    out.print(
        f"The day: {found.records:,} records, {found.bytes / 2**30:.1f} GiB, {found.segments:,} "
        f"segments, bound in {found.binding_seconds:.0f} s. A full scan of it would take "
        f"{full:,.0f} s, by {found.scan.sampled_bytes:,} bytes that were read, opened and searched "
        f"in {found.scan.seconds:.1f} s."
    )
    out.print(
        f"A day of {_LARGE:,} records has as many segments, {_LARGE / found.records:.0f} times as "
        f"large: they are closed every {usual.flush_seconds:g} seconds, before "
        f"{usual.flush_bytes:,} bytes are gathered; and volumes of {MOST_RECORDS:,} records. "
        "Of each that holds the address, footer and row group of the index are read, which grow "
        "with the root of its size. What an address that is met as often costs therefore grows "
        "less than the day."
    )
    out.print("Ninety days are the same day linked ninety times, each read from the disk anew.")


def _table(title: str, found: Sequence[LookUp], size: int) -> Table:
    table = Table("address", title=title)
    for column in ("records", "found, s", "opened, s", "in all, s", "bytes read", "of all bytes"):
        table.add_column(column, justify="right")
    for one in found:
        table.add_row(
            one.name,
            f"{one.records:,}",
            f"{one.found_seconds:.2f}",
            f"{one.page_seconds:.2f}",
            f"{one.seconds:.2f}",
            f"{one.bytes:,}",
            f"{one.bytes / size:.3%}",
        )
    return table


def _document(found: Measured) -> dict[str, object]:
    return asdict(found)
