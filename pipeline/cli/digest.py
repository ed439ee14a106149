"""``partywall digest``: a week of each site, printed, sent once, or sent every week."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import orjson
import typer

from pipeline import logs
from pipeline import settings as tree
from pipeline.analytics.sites import known_site
from pipeline.cli.asking import Asked, asked
from pipeline.cli.checks import check_label
from pipeline.cli.options import Config, Json
from pipeline.clock import system_clock
from pipeline.digest import rounds
from pipeline.digest.as_json import digest_json
from pipeline.digest.contents import digest as made
from pipeline.digest.sent import Sent, held
from pipeline.digest.text import as_text
from pipeline.digest.weeks import Week
from pipeline.errors import UnavailableError, UsageError

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="the folder of `up` or of `report --data`"),
]
Sites = Annotated[
    list[str] | None,
    typer.Option("--site", metavar="NAME", help="of this site alone; may be repeated"),
]


def digest(
    data: Data = None,
    site: Sites = None,
    week: Annotated[
        str | None, typer.Option("--week", metavar="2026-W47", help="else the newest that is over")
    ] = None,
    send: Annotated[
        bool, typer.Option("--send/--print", help="send it as the settings say, unless it was sent")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="send each week's when it is due, until stopped")
    ] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Tell a site's week beside the week before; print it, or send it by mail and webhook."""
    if follow and (send or week is not None or as_json):
        raise UsageError("--follow sends every week: leave --send, --week and --json out")
    named = None if week is None else Week.named(week)
    whom = asked(chosen(tree.load(config), site), data)
    if follow:
        asyncio.run(_follow(whom))
    elif send:
        with held(whom.state) as sent, whom.reading() as query:
            terms = _terms(whom)
            left = asyncio.run(rounds.send_round(query, terms, sent, _weeks(terms, named)))
        if left:
            raise UnavailableError(
                f"not sent: {'; '.join(left)}. Run it again: it sends what is left"
            )
    else:
        _print(whom, named, site or [], as_json=as_json)


def chosen(settings: tree.Settings, sites: list[str] | None) -> tree.Settings:
    """Return the settings with the sites that were named instead; raises UsageError."""
    for name in sites or []:
        check_label("--site", name)
    if not sites:
        return settings
    about = settings.digest.model_copy(update={"sites": sites})
    return settings.model_copy(update={"digest": about})


def _weeks(terms: rounds.Terms, named: Week | None) -> Callable[[str], Week]:
    """Return which week is told of a site: the one that was named, else the newest that is over."""
    return lambda site: named or rounds.over(terms, site)


def _terms(whom: Asked) -> rounds.Terms:
    return rounds.Terms(whom.settings.digest, whom.k, whom.lacking, system_clock, whom.zones)


def _print(whom: Asked, named: Week | None, sites: list[str], *, as_json: bool) -> None:
    week_of, zone_of = _weeks(_terms(whom), named), whom.zones.of
    with whom.reading() as query:
        for name in sites:
            known_site(query, name)
        names = rounds.chosen(query, whom.settings.digest)
        found = [
            made(query, name, week_of(name), whom.k, whom.lacking, zone_of(name)) for name in names
        ]
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([digest_json(one) for one in found]) + b"\n")
    elif not found:
        print("no site has released a day yet")
    else:
        print("\n".join(as_text(one) for one in found), end="")


async def _follow(whom: Asked) -> None:
    log = whom.settings.log
    logs.setup(log.level, json_lines=log.json_lines)
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with held(whom.state) as sent, contextlib.suppress(asyncio.CancelledError):
        about = whom.settings.digest
        await rounds.follow(
            lambda: _round(whom, sent),
            asyncio.sleep,
            lambda: rounds.until_due(about, system_clock()),
        )


async def _round(whom: Asked, sent: Sent) -> tuple[str, ...]:
    with whom.reading() as query:
        return await rounds.send_round(query, _terms(whom), sent)
