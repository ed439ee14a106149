"""A site's traffic, hour by hour, in order of arrival; memory holds little more than an hour."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline.simulate import faults, hits, programs, sessions, widget
from pipeline.simulate.catalogue import Catalogue, catalogue
from pipeline.simulate.draws import TIDE, Indices
from pipeline.simulate.people import People, people

_HOUR: Final = 3600 * hits.MICROS
_WEEKEND: Final = 0.7
"""Visits on a Saturday or Sunday, in relation to other days."""
_CHATS_OF_SPAM: Final = 8


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated. ``start`` in hours since 1970 UTC; ``visits`` of people a day and site.

    ``bad`` and ``late`` are shares of the lines, ``zone`` the name of the sites' time zone,
    ``chats`` the share of visits in which the chat widget is opened.
    """

    seed: int
    start: int
    days: int
    visits: int
    bad: float
    late: float
    zone: str
    chats: float = 0.05

    @property
    def hours(self) -> int:
        """Whole hours simulated."""
        return self.days * 24


class Site:
    """One site: what it has, who visits it, and everything that happens there."""

    def __init__(self, name: str, scenario: Scenario) -> None:
        """Draw the site's people; equal names and scenarios give equal sites."""
        self.name, self.host = name, f"www.{name}.example"
        self._scenario = scenario
        self._key = [scenario.seed, zlib.crc32(name.encode())]
        rng = np.random.default_rng([*self._key, 0])
        self.catalogue: Catalogue = catalogue(self.host)
        self.people: People = people(rng, scenario.visits * scenario.days)
        self.attack: Indices = programs.attack(rng, scenario.start, scenario.hours, scenario.visits)
        first = scenario.start * _HOUR + int(rng.integers(scenario.hours)) * _HOUR
        self.spam: Indices = first + np.sort(rng.integers(0, _HOUR * 3 // 4, _CHATS_OF_SPAM))

    def hours(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield requests and events by hour of arrival, until nothing is on its way any more.

        Requests have ``hits.SCHEMA`` and what ``faults.faulty`` adds; events ``widget.SCHEMA``
        and ``cut``. What would happen after the last day is left out.
        """
        scenario = self._scenario
        end = (scenario.start + scenario.hours) * _HOUR
        waiting, chatting = pl.DataFrame(), pl.DataFrame()
        tide = _tide(scenario)
        hour = scenario.start
        while hour * _HOUR < end or len(waiting) or len(chatting):
            if hour * _HOUR < end:
                rows, events = self._begun(hour, tide[hour - scenario.start])
                waiting = pl.concat([waiting, rows.filter(pl.col("time") < end)], how="diagonal")
                events = events.filter(pl.col("time") < end)
                chatting = pl.concat([chatting, events], how="diagonal")
            now = (hour + 1) * _HOUR
            arrived, told = pl.col("arrival") < now, pl.col("time") < now
            yield (
                waiting.filter(arrived).sort("arrival", maintain_order=True),
                chatting.filter(told).sort("time", maintain_order=True),
            )
            waiting, chatting = waiting.filter(~arrived), chatting.filter(~told)
            hour += 1

    def _begun(self, hour: int, visits: float) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return what visits and programs of an hour make, some of it in later hours."""
        scenario, site, people_ = self._scenario, self.catalogue, self.people
        rng = np.random.default_rng([*self._key, hour])
        walked, pages = sessions.visits(rng, site, people_, hour, int(rng.poisson(visits)))
        fetched = programs.crawlers(rng, site, people_, hour, scenario.visits)
        tried = programs.attempts(rng, site, people_, _within(self.attack, hour))
        rows = pl.concat([walked, fetched, tried])
        rows = faults.faulty(rng, rows, bad=scenario.bad, late=scenario.late)
        spam = widget.spam(rng, site, people_, _within(self.spam, hour).tolist())
        events = pl.concat([widget.events(rng, people_, pages, scenario.chats), spam])
        cut = pl.Series("cut", rng.random(len(events)) < scenario.bad)
        return rows, events.with_columns(cut)


def _within(times: Indices, hour: int) -> Indices:
    first, last = np.searchsorted(times, [hour * _HOUR, (hour + 1) * _HOUR])
    return times[first:last]


def _tide(scenario: Scenario) -> list[float]:
    """Return the visits to expect in each hour: by the clock on the site's wall."""
    hours = pl.Series(range(scenario.start, scenario.start + scenario.hours)) * 3600
    local = (
        pl.from_epoch(hours, "s").dt.replace_time_zone("UTC").dt.convert_time_zone(scenario.zone)
    )
    share = np.array(TIDE) / sum(TIDE) * scenario.visits
    weekend = (local.dt.weekday() > 5).to_numpy()  # noqa: PLR2004 - Saturday and Sunday
    expected = share[local.dt.hour().to_numpy()] * np.where(weekend, _WEEKEND, 1.0)
    return [float(visits) for visits in expected]
