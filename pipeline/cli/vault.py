"""``partywall vault``: what lies sealed, and whether it is as it was written, without any key."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipeline import settings as tree
from pipeline.cli.options import Config, Json
from pipeline.errors import UsageError
from pipeline.vault.status import require, vault_status

vault = typer.Typer(help="The sealed store.", no_args_is_help=True)


@vault.callback()
def root() -> None:
    """Look at the sealed store from outside."""


Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="the folder of `up` or of `report --data`"),
]


@vault.command()
def status(
    data: Data = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Count segments, records, bytes and spans per site. No key is needed, none is used."""
    found: dict[str, Any] = vault_status(_url(data, config))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        return
    console = Console(highlight=False)
    console.print(
        f"{found['segments']:,} segments, {found['records']:,} records, "
        f"{found['bytes']:,} bytes of ciphertext"
    )
    if found["erased"] or found["expired"]:
        console.print(
            f"no more there: {found['erased']:,} records that were erased, "
            f"{found['expired']:,} past their time"
        )
    table = Table(box=None, header_style="bold")
    for name in ("site", "source", "ingest", "outcome", "reason", "records"):
        table.add_column(name, justify="right" if name == "records" else "left")
    for row in found["outcomes"]:
        table.add_row(*(str(row[c.header] or "") for c in table.columns))
    console.print(table)
    for site, (first, last) in found["spans"].items():
        console.print(f"{site}: {_moment(first)} to {_moment(last + 3600)}")


@vault.command()
def check(data: Data = None, config: Config = None) -> None:
    """Read every byte and name each file that is not as it was written; exit code 1 where one is.

    No key is needed, none is used. Let the vault's writer rest meanwhile, or look again: files of
    a flush that is under way are not in the manifest yet.
    """
    from pipeline.vault.check import findings  # noqa: PLC0415 -- brings Arrow

    wrong = False
    for line in findings(_url(data, config)):
        wrong = True
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    if wrong:
        raise typer.Exit(1)
    sys.stdout.write("every file of the vault is as it was written\n")


def _url(data: Path | None, config: Path | None) -> str:
    """Return where the vault lies; raises UsageError, UnavailableError where there is none."""
    if data is not None and not (data / "vault").is_dir():
        raise UsageError(
            f"there is no vault in {data}: name the folder of `partywall up` or of "
            "`partywall report --data` with --data"
        )
    url = str(data / "vault") if data is not None else tree.load(config).vault.url
    require(url)
    return url


def _moment(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
