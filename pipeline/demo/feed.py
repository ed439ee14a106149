"""Traffic of a site while somebody looks: simulated, each line shipped when its time has come."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from pipeline.apps import ship
from pipeline.apps.embedded import Group
from pipeline.clock import Clock
from pipeline.labels import LIVE
from pipeline.settings import Settings
from pipeline.simulate import formats
from pipeline.simulate.requests import requests
from pipeline.simulate.traffic import Scenario, Site

_EVERY: Final = 10.0
"""Seconds between two looks at what is due."""
_VISITS: Final = 15_000
"""A day; in the evening, which it is on the site's wall when it begins, a thousand an hour."""
_EVENING: Final = 18
_FORMAT: Final = "combined"


class Feed:
    """Lines of a site from ``now`` on, for a day.

    None from before: to traffic that is told as it comes, they would be late.
    """

    def __init__(self, site: str, now: dt.datetime) -> None:
        """``site`` is the name of one that does not exist."""
        hour = int(now.timestamp()) // 3600
        ahead = (_EVENING - hour % 24 + 12) % 24 - 12
        # The names of these zones count westwards (tz database, file etcetera).
        zone = f"Etc/GMT{-ahead:+d}"
        scenario = Scenario(11, hour, days=1, visits=_VISITS, bad=0, late=0, zone=zone)
        self._lines = _lines(Site(site, scenario), zone)
        self._waiting = next(self._lines)
        self.due(now)

    def due(self, now: dt.datetime) -> list[str]:
        """Return the lines whose time has come, and which were not returned before."""
        moment = int(now.timestamp() * 1_000_000)
        while (self._waiting["arrival"] <= moment).all():
            more = next(self._lines, None)
            if more is None:
                break
            self._waiting = pl.concat([self._waiting, more])
        come = pl.col("arrival") <= moment
        found: list[str] = self._waiting.filter(come)["line"].to_list()
        self._waiting = self._waiting.filter(~come)
        return found


def _lines(site: Site, zone: str) -> Iterator[pl.DataFrame]:
    """Yield arrival (microseconds since 1970) and line of a site's requests, hour by hour."""
    [(form, _)] = formats.named(_FORMAT)
    for rows, _ in site.hours():
        texts = requests(rows, site.catalogue, site.people, host=site.host, zone=zone, serial=0)
        yield pl.DataFrame([texts["arrival"], form.write(texts).alias("line")])


async def feed(site: str, group: Group, folder: Path, clock: Clock) -> None:
    """Ship a site's traffic to a group until cancelled, by files in ``folder``."""
    await asyncio.to_thread(folder.mkdir)
    settings = Settings(kafka=group.kafka())
    made = await asyncio.to_thread(Feed, site, clock())
    number = 0
    while True:
        path = folder / f"{number}.log"
        if await asyncio.to_thread(_written, path, made.due(clock())):
            plans = ship.plan([str(path)], site, site, _FORMAT, LIVE, clock)
            await ship.ship(plans, settings, clock, remember=None, end=False)
            number += 1
        await asyncio.sleep(_EVERY)


def _written(path: Path, lines: list[str]) -> bool:
    """Write lines to a file; return whether there were any."""
    if lines:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return bool(lines)
