"""Sends what is due, each digest once by each way, and waits out what fails."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from typing import Final

from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock
from pipeline.digest import email, webhook
from pipeline.digest.contents import Digest, digest
from pipeline.digest.sent import Sent
from pipeline.digest.series import newest, sites
from pipeline.digest.weeks import DAYS, Week
from pipeline.errors import SettingsError, UnavailableError
from pipeline.logs import get
from pipeline.settings import WEEKDAYS, DigestEmail
from pipeline.settings import Digest as DigestSettings
from pipeline.zones import ALL_UTC, Zones
from pipeline.zones import clock as clock_in

WAIT_FOR_SUNDAY: Final = dt.timedelta(hours=48)
"""How long a digest that is due waits for its Sunday to close, before it goes without it."""
_SHORTEST: Final = 60.0
LONGEST: Final = 3600.0
_log = get("digest")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a round needs to know. ``lacking`` is what k lacks of what the policy promises.

    ``zones`` say by whose clock each site's weeks are.
    """

    settings: DigestSettings
    k: int
    lacking: str | None
    clock: Clock
    zones: Zones = ALL_UTC


def due(settings: DigestSettings, now: dt.datetime) -> tuple[Week, dt.datetime]:
    """Return the newest week whose digest is due, and since when: one moment for all sites."""
    this = Week.of(now.date())
    day = this.first + dt.timedelta(days=WEEKDAYS.index(settings.weekday))
    moment = dt.datetime.combine(day, dt.time(settings.hour), dt.UTC)
    if now < moment:
        return this.before.before, moment - dt.timedelta(days=DAYS)
    return this.before, moment


def over(terms: Terms, site: str) -> Week:
    """Return the newest week that is over by a site's own clock."""
    return Week.of(clock_in(terms.clock, terms.zones.of(site))().date()).before


def chosen(query: QueryFn, settings: DigestSettings) -> tuple[str, ...]:
    """Return the sites of the settings, else all that have released a day."""
    return tuple(settings.sites) or sites(query)


async def send_round(
    query: QueryFn, terms: Terms, sent: Sent, weeks: Callable[[str], Week] | None = None
) -> tuple[str, ...]:
    """Send what is due, or a site's of ``weeks`` whatever the time; return what is left, and why.

    Raises SettingsError, and what ``query`` raises.
    """
    settings, left = terms.settings, []
    newest_due, since = due(settings, terms.clock())
    ways = [name for name in ("email", "webhook") if getattr(settings, name) is not None]
    if not ways:
        raise SettingsError("digest: set digest.email or digest.webhook to say where it goes")
    for site in await asyncio.to_thread(chosen, query, settings):
        week = newest_due if weeks is None else weeks(site)
        to_send = [way for way in ways if not sent.has(site, week, way)]
        if not to_send:
            continue
        if weeks is None and await _too_early(query, site, week, since, terms.clock()):
            left.append(f"{site}: waits for {week.last} to close")
            continue
        made = await asyncio.to_thread(
            digest, query, site, week, terms.k, terms.lacking, terms.zones.of(site)
        )
        for way in to_send:
            try:
                await _send(way, made, terms, partial(sent.add, site, week, way))
            except UnavailableError as error:
                left.append(f"{site}: {error}")
            else:
                _log.info("a digest was sent", site=site, way=way, week=str(week))
    return tuple(left)


async def _too_early(
    query: QueryFn, site: str, week: Week, since: dt.datetime, now: dt.datetime
) -> bool:
    if now >= since + WAIT_FOR_SUNDAY:
        return False
    closed = await asyncio.to_thread(newest, query, site)
    return closed is None or closed < week.last


async def _send(way: str, made: Digest, terms: Terms, note: Callable[[], None]) -> None:
    settings = terms.settings
    if way == "webhook" and settings.webhook is not None:
        await webhook.send(made, settings.webhook)
        await asyncio.to_thread(note)
    elif settings.email is not None:
        mail = email.message(made, settings.email, terms.clock())
        refused = await asyncio.to_thread(_mailed, mail, settings.email, note)
        if refused:
            _log.warning("recipients of a digest were refused", site=made.site, count=refused)


def _mailed(mail: EmailMessage, settings: DigestEmail, note: Callable[[], None]) -> int:
    """Hand a mail over and note it, in one thread: who is told to stop waits for both."""
    refused = email.send(mail, settings)
    note()
    return refused


async def follow(
    attempt: Callable[[], Awaitable[tuple[str, ...]]],
    pause: Callable[[float], Awaitable[None]],
    idle: Callable[[], float],
) -> None:
    """Make rounds for ever: after ``idle`` seconds, and less and less often while some is left."""
    wait = _SHORTEST
    while True:
        try:
            left = await attempt()
        except UnavailableError as error:
            left = (str(error),)
        for reason in left:
            _log.warning("a digest is still to be sent", reason=reason)
        await pause(wait if left else idle())
        wait = min(2 * wait, LONGEST) if left else _SHORTEST


def until_due(settings: DigestSettings, now: dt.datetime) -> float:
    """Return the seconds until the next digest is due, an hour at most: clocks are set anew."""
    _, moment = due(settings, now)
    return min((moment + dt.timedelta(days=DAYS) - now).total_seconds(), LONGEST)
