"""``partywall query``: SQL or a named query against the released tables, read-only."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import policy
from pipeline import settings as tree
from pipeline.apps.engine import engine
from pipeline.cli.k_told import note_k
from pipeline.cli.kept import terms
from pipeline.cli.options import Config, Json
from pipeline.cli.place import DEFAULT, Place
from pipeline.clickhouse import remote
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import Reader, named
from pipeline.errors import UsageError

Rows = list[dict[str, object]]
_NO_TERMINAL: Final = 10_000  # columns


def query(
    text: Annotated[
        str,
        typer.Argument(metavar="SQL|NAME", help="a SELECT, or a name from `partywall query names`"),
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="the folder of `up` or of `report --data`"),
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Ask the released tables; nothing can be changed this way."""
    if text == "names":
        rows: Rows = [{"name": q.name, "about": q.about} for q in named().values()]
    else:
        rows = ask(text, data, config)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(rows, default=str) + b"\n")
        return
    # A value is shown as it is: a page's path may look like markup, and a pipe has no width.
    console = Console(markup=False)
    console = console if console.is_terminal else Console(markup=False, width=_NO_TERMINAL)
    if not rows:
        console.print("no rows")
        return
    table = Table(box=None, header_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row.values()))
    console.print(table)


def ask(text: str, data: Path | None, config: Path | None) -> Rows:
    """Return the rows of a query, from whoever owns the engine, and say where k is too low."""
    settings = tree.load(config)
    if data is None and settings.clickhouse.url is not None:
        rows = _asked(engine(settings.clickhouse), text)
    else:
        folder = data or DEFAULT
        settings = terms(settings, folder)
        rows = _kept(folder, text)
    made = policy.load(settings.policy)
    note_k(made, policy.k_in_force(made, settings.k, lower=True))
    return rows


def _kept(folder: Path, text: str) -> Rows:
    place = Place.find(folder)
    if place is not None:
        return [dict(row) for row in remote.query(place.engine, text)]
    if not (folder / "clickhouse").is_dir():
        raise UsageError(
            f"there is no engine in {folder}: name the folder of `partywall up` or of "
            "`partywall report --data` with --data"
        )
    return _asked(Engine(path=folder / "clickhouse"), text)


def _asked(where: Engine, text: str) -> Rows:
    with contextlib.closing(Reader.open(where)) as reader:
        return [dict(row) for row in reader.rows(text)]
