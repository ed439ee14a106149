"""``partywall report``: files in, what may be said of them out, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from pipeline import policy
from pipeline.apps import oneshot, ship
from pipeline.apps.embedded import Group
from pipeline.cli.options import COUNTRY, ASN, K, Data, Format, Site, check_label
from pipeline.cli.progress import Bars
from pipeline.clock import system_clock
from pipeline.errors import InputError, UsageError
from pipeline.report.as_json import as_json
from pipeline.report.html import as_html
from pipeline.report.terminal import render


def report(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="logs: plain, gz, bz2, zst; - is standard input")],
    format_: Format = "auto",
    site: Site = "site",
    k: K = None,
    data: Data = None,
    as_json_: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="write one self-contained page")] = None,
    mmdb_country: COUNTRY = None,
    mmdb_asn: ASN = None,
    own_host: Annotated[list[str] | None, typer.Option("--own-host", help="a host name of the site itself, for internal referrers")] = None,
) -> None:
    """Say what an analyst wants to know of FILEs, without the personal data in them."""
    check_label("--site", site)
    if html is not None and not html.resolve().parent.is_dir():
        raise UsageError(f"--html {html}: its folder does not exist; make it first")
    names = list(dict.fromkeys(files))
    ingest = f"report-{secrets.token_hex(4)}"
    plans = ship.plan(names, site, None, format_, ingest, system_clock)
    overrides: dict[str, Any] = {
        "split": {
            "mmdb_country": _readable("--mmdb-country", mmdb_country),
            "mmdb_asn": _readable("--mmdb-asn", mmdb_asn),
            "own_hosts": {site: own_host or []},
            # What a person names by hand is reported as it is, the share of rejects included.
            "reject_limit": 1.0,
        }
    }
    if k is not None:
        overrides["k"] = k
    outcome = asyncio.run(_run(plans, overrides, k, data))
    if not outcome.account.events and outcome.account.lines:
        raise InputError(
            f"none of the {outcome.account.lines} lines is in the format "
            f"{plans[0].tags.format}: name another with --format"
        )
    if html is not None:
        html.write_text(as_html(outcome.report, outcome.account), encoding="utf-8")
    if as_json_:
        sys.stdout.buffer.write(orjson.dumps(as_json(outcome.report, outcome.account)) + b"\n")
    elif html is None:
        render(outcome.report, outcome.account, Console())
    else:
        Console(stderr=True).print(f"wrote {html}", highlight=False)


async def _run(
    plans: list[ship.Plan], overrides: dict[str, Any], k: int | None, data: Path | None
) -> oneshot.Outcome:
    made = policy.load()
    with _folder(data) as folder, Bars() as bars:
        bars.say("starting")
        async with Group(folder, overrides) as group:
            bars.say("reading")
            return await oneshot.run(
                group, plans, made, system_clock, k=k or made.current.k, tell=bars.tell
            )


def _readable(option: str, path: Path | None) -> str | None:
    if path is None:
        return None
    if not path.is_file():
        raise UsageError(f"{option} {path}: no such file")
    return str(path.resolve())


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """Yield the data folder; without one, a private folder that is removed with its keys."""
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="partywall-") as made:
        yield Path(made)
