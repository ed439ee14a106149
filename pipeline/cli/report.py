"""``partywall report``: files in, what may be said of them out, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from pipeline import policy
from pipeline import settings as tree
from pipeline.apps import oneshot, ship, trial
from pipeline.apps.embedded import Group
from pipeline.cli.checks import (
    check_clock,
    check_label,
    check_site_from,
    check_zone,
    database,
    networks,
    with_own,
)
from pipeline.cli.k_told import k_asked_for
from pipeline.cli.options import (
    ASN,
    COUNTRY,
    DATACENTRES,
    PLACES,
    Data,
    Format,
    K,
    Site,
    SiteFrom,
    Zone,
)
from pipeline.cli.place import occupied
from pipeline.cli.private import private_folder
from pipeline.cli.progress import Bars
from pipeline.cli.released import refuse_released
from pipeline.clock import system_clock
from pipeline.errors import InputError, UnavailableError, UsageError
from pipeline.report.as_json import as_json
from pipeline.report.html import as_html
from pipeline.report.terminal import render
from pipeline.settings import Split


def report(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT…",
            help="files (plain, gz, bz2, xz, zst, tar), folders, 'patterns*', s3://bucket/prefix; "
            "- is standard input",
        ),
    ],
    format_: Format = "auto",
    site: Site = "site",
    k: K = None,
    data: Data = None,
    as_json_: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="write one self-contained page")
    ] = None,
    mmdb_country: COUNTRY = None,
    places: PLACES = None,
    mmdb_asn: ASN = None,
    datacentres: DATACENTRES = None,
    zone: Zone = None,
    clock: Annotated[
        str | None,
        typer.Option(
            "--clock",
            metavar="AREA/CITY",
            help="time zone by whose clock days and hours are, as in Europe/Berlin; else UTC",
        ),
    ] = None,
    site_from: SiteFrom = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy",
            metavar="NETWORK|NAME",
            help="whose X-Forwarded-For is believed, as in 10.0.0.0/8; or cloudflare, private, …",
        ),
    ] = None,
    own_host: Annotated[
        list[str] | None,
        typer.Option("--own-host", help="a host name of the site itself, for internal referrers"),
    ] = None,
    goals: Annotated[
        Path | None,
        typer.Option("--goals", metavar="FILE", help="settings file (YAML): its goals are counted"),
    ] = None,
) -> None:
    """Say what an analyst wants to know of FILEs, without the personal data in them."""
    check_label("--site", site)
    if html is not None:
        _check_page(html)
    made = policy.load()
    in_force = k_asked_for(made, k)
    check_zone(zone)
    check_clock(clock)
    check_site_from(site_from)
    ingest = f"report-{secrets.token_hex(4)}"
    name, own = with_own(format_)
    taken: list[str] = []
    plans = ship.plan(
        files, site, None, name, ingest, system_clock, own,
        zone=zone or "", passed=_passed, chosen=taken.append,
        sites=partial(ship.site_of, part=site_from) if site_from else None,
    )  # fmt: skip
    overrides: dict[str, Any] = {
        "split": {
            "formats": own,
            "mmdb_country": database("--mmdb-country", mmdb_country),
            "places": places or "none",
            "mmdb_asn": database("--mmdb-asn", mmdb_asn),
            "datacentres": networks("--datacentres", datacentres),
            "own_hosts": {plan.tags.site: own_host or [] for plan in plans},
            "trusted_proxies": trusted_proxy or [],
            # What a person names by hand is reported as it is, the share of rejects included.
            "reject_limit": 1.0,
        }
    }
    overrides["k"] = in_force
    if clock is not None:
        overrides["windows"] = {"zone": clock}
    if goals is not None:
        overrides["goals"] = _goals(goals)
    trial.check(Split(**overrides["split"]))
    outcome = asyncio.run(_run(plans, overrides, made, in_force, data, page=html is not None))
    if not outcome.account.events and outcome.account.lines:
        raise InputError(
            f"none of the {outcome.account.lines} lines is in the format "
            f"{plans[0].tags.format}: name another with --format"
        )
    for what in taken:
        sys.stderr.write(f"partywall: note: {what}\n")
    if html is not None:
        _write(html, as_html(outcome.report, outcome.account, outcome.sections))
    if as_json_:
        sys.stdout.buffer.write(orjson.dumps(as_json(outcome.report, outcome.account)) + b"\n")
    elif html is None:
        render(outcome.report, outcome.account, Console())
    else:
        Console(stderr=True).print(f"wrote {html}", highlight=False, markup=False)


def _goals(file: Path) -> dict[str, Any]:
    """Return the goals of a settings file; raises SettingsError."""
    settings = tree.load(file)
    trial.check_goals(settings.goals)
    dumped: dict[str, Any] = settings.model_dump(mode="json", exclude_unset=True)
    return dict(dumped.get("goals", {}))


def _passed(name: str) -> None:
    sys.stderr.write(f"partywall: note: passed over {name}: it is no log\n")


async def _run(
    plans: list[ship.Plan],
    overrides: dict[str, Any],
    made: policy.Policy,
    k: int,
    data: Path | None,
    *,
    page: bool,
) -> oneshot.Outcome:
    task = asyncio.current_task()
    if task is not None:
        # Ended from outside, too, the keys and the processes go first.
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with _folder(data) as folder, Bars() as bars:
        bars.say("starting")
        async with Group(folder, overrides) as group:
            bars.say("reading")
            return await oneshot.run(
                group, plans, made, system_clock, k=k, tell=bars.tell, page=page
            )


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """Yield the data folder; without one, a private folder that is removed with its keys.

    Raises UsageError for a data folder that holds released numbers.
    """
    if data is not None:
        with occupied(data):
            refuse_released(data)
            yield data
        return
    with private_folder() as made:
        try:
            yield made
        except UnavailableError as error:
            reason = str(error).partition(": see ")[0]
            raise UnavailableError(f"{reason}: run it with --data DIR to keep the logs") from None


def _check_page(html: Path) -> None:
    """Raise UsageError for a page that cannot be written, before the work and not after."""
    if not html.resolve().parent.is_dir():
        raise UsageError(f"--html {html}: its folder does not exist; make it first")
    if html.is_dir():
        raise UsageError(f"--html {html}: is a directory; name a file")
    new = not html.exists()
    try:
        html.open("ab").close()
    except OSError as error:
        raise UsageError(f"--html {html}: {error.strerror}; name another file") from None
    if new:
        html.unlink()


def _write(html: Path, page: str) -> None:
    try:
        html.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--html {html}: {error.strerror}; name another file") from None
