"""``partywall simulate``: logs of sites that do not exist, and the truth about them."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Final

import polars as pl
import typer

from pipeline.cli.checks import check_label
from pipeline.errors import UsageError

_START: Final = "2025-03-29"
"""A fixed day, so that equal seeds give equal bytes; in Europe its second night has 23 hours."""


def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="a new or empty folder")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="other traffic, other people")] = 7,
    days: Annotated[int, typer.Option("--days", min=1, max=3660)] = 2,
    start: Annotated[
        str, typer.Option("--start", metavar="ISO", help="first day or hour; UTC without an offset")
    ] = _START,
    sites: Annotated[str, typer.Option("--sites", metavar="A,B")] = "shop,blog",
    visits: Annotated[
        int, typer.Option("--visits", min=1, help="visits of people, a day and site")
    ] = 2_000,
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME,…", help="formats, plain or wrapped (docker.caddy), or all"
        ),
    ] = "combined",
    bad: Annotated[
        float, typer.Option("--bad", min=0, max=1, help="share of lines that are no good")
    ] = 0.002,
    late: Annotated[
        float, typer.Option("--late", min=0, max=1, help="share of lines that come late")
    ] = 0.004,
    zone: Annotated[
        str, typer.Option("--zone", metavar="NAME", help="time zone of the sites")
    ] = "Europe/Berlin",
) -> None:
    """Write logs of simulated sites and their chat widgets, and truth.json with every count."""
    # Imported here: the other verbs shall not wait for the writers.
    from pipeline.cli.progress import Bars  # noqa: PLC0415
    from pipeline.simulate import formats, run  # noqa: PLC0415
    from pipeline.simulate.traffic import Scenario  # noqa: PLC0415

    names = list(dict.fromkeys(name.strip() for name in sites.split(",")))
    for name in names:
        check_label("--sites", name)
    scenario = Scenario(
        seed=seed,
        start=_hour(start),
        days=days,
        visits=visits,
        bad=bad,
        late=late,
        zone=_known(zone),
    )
    with Bars() as bars:
        truth = run.simulate(
            out,
            scenario,
            names,
            formats.named(format_),
            lambda site, hour: bars.say(f"{site}: hour {hour} of {scenario.hours}"),
        )
    made = truth["sites"].values()
    files = [entry for site in made for entry in (*site["files"].values(), site["widget"])]
    sys.stderr.write(
        f"wrote {sum(entry['lines'] for entry in files):,} lines in {len(files)} files to {out}; "
        f"{run.TRUTH} tells what is in them, addresses included\n"
    )


def _hour(start: str) -> int:
    """Return hours since 1970 UTC; raises UsageError for what is no whole hour of ISO 8601."""
    try:
        moment = dt.datetime.fromisoformat(start)
    except ValueError:
        moment = None
    if moment is None or moment.minute or moment.second or moment.microsecond:
        raise UsageError(f"--start {start!r}: give a day or a whole hour, as 2025-03-29T00:00Z")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    hour, rest = divmod(int(moment.timestamp()), 3600)
    if rest or not 1990 <= moment.year <= 2200:  # noqa: PLR2004 - what formats take for a date
        raise UsageError(f"--start {start!r}: give a whole hour in UTC from 1990 on")
    return hour


def _known(zone: str) -> str:
    """Return the name of a time zone; raises UsageError where it is none."""
    try:
        pl.Series([dt.datetime(2025, 1, 1, tzinfo=dt.UTC)]).dt.convert_time_zone(zone)
    except pl.exceptions.ComputeError:
        raise UsageError(f"--zone {zone!r}: is no time zone; give one as Europe/Berlin") from None
    return zone
