"""Visits of programs: crawlers, tools, a monitor, scanners, and one abuser of the login page."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipeline.simulate.agents import TOOLS
from pipeline.simulate.catalogue import Catalogue
from pipeline.simulate.draws import Indices, cumulated, draw, zipf
from pipeline.simulate.hits import GET, HEAD, MICROS, NONE, POST, hits
from pipeline.simulate.people import PROGRAMS, People

_HOUR: Final = 3600 * MICROS
_SHARES: Final = cumulated(np.array([program.share for program in PROGRAMS]))
_PER_VISIT: Final = 1.3
"""Requests of programs for each visit of a person: they come at any hour."""
_EVERY: Final = 300 * MICROS
_ATTACK: Final = 5400 * MICROS
_FEWEST, _MOST = 120, 20_000


def crawlers(
    rng: np.random.Generator, site: Catalogue, people: People, hour: int, visits: int
) -> pl.DataFrame:
    """Return the requests of an hour of a site that people visit ``visits`` times a day."""
    count = int(rng.poisson(visits * _PER_VISIT / 24))
    program = draw(rng, _SHARES, count)
    many = np.array([entry.machines for entry in PROGRAMS])[program]
    dice = rng.random(count)
    target = draw(rng, zipf(len(site.page_odds), 0.4), count)
    target = np.where(dice < 0.05, site.robots, target)  # noqa: PLR2004 - shares of the requests
    probing = (dice > 0.93) & (program >= len(PROGRAMS) - len(TOOLS))  # noqa: PLR2004
    target = np.where(probing, rng.choice(site.probes, count), target)
    status = np.where(probing, 404, np.where(rng.random(count) < 0.04, 404, 200))  # noqa: PLR2004
    made = hits(
        rng,
        count,
        time=hour * _HOUR + rng.integers(0, _HOUR, count),
        first=people.machines[program] + (rng.random(count) * many).astype(np.int64),
        agent=people.programs[program],
        target=target,
        referrer=0,
        status=status,
        method=np.where(rng.random(count) < 0.04, HEAD, GET),  # noqa: PLR2004
    )
    made = made.with_columns(bytes=pl.when(method=HEAD).then(0).otherwise("bytes"))
    return pl.concat([made, _monitor(rng, site, people, hour), _noise(rng, people, hour, visits)])


def _monitor(rng: np.random.Generator, site: Catalogue, people: People, hour: int) -> pl.DataFrame:
    time = np.arange(hour * _HOUR, (hour + 1) * _HOUR, _EVERY) + 1_250_000
    return hits(
        rng, len(time), time=time, first=people.machines[-1] + np.arange(len(time)) % 3,
        agent=people.monitor, target=site.health, referrer=0, method=HEAD, bytes=0,
    )  # fmt: skip


def _noise(rng: np.random.Generator, people: People, hour: int, visits: int) -> pl.DataFrame:
    """Return what speaks another protocol: bytes that were no request, answered with 400."""
    count = int(rng.poisson(visits / 24 / 60))
    return hits(
        rng, count, time=hour * _HOUR + rng.integers(0, _HOUR, count),
        first=people.machines[-1] + rng.integers(3, 40, count), agent=people.silent,
        target=NONE, referrer=0, method=NONE, protocol=NONE, status=400, bytes=157,
    )  # fmt: skip


def attack(rng: np.random.Generator, first_hour: int, hours: int, visits: int) -> Indices:
    """Return the times at which the abuser tries the login page, sorted, in microseconds."""
    count = min(max(visits // 5, _FEWEST), _MOST)
    begin = (first_hour + int(rng.integers(0, max(1, hours - 2)))) * _HOUR
    return np.sort(begin + rng.integers(0, _ATTACK, count))


def attempts(
    rng: np.random.Generator, site: Catalogue, people: People, times: Indices
) -> pl.DataFrame:
    """Return the abuser's requests at ``times``: name after name, refused and then throttled."""
    count = len(times)
    return hits(
        rng, count, time=times, first=people.abuser, agent=people.abusing,
        target=rng.choice(site.logins, count), referrer=0, method=POST,
        status=np.where(rng.random(count) < 0.9, 401, 429), bytes=212,  # noqa: PLR2004
    )  # fmt: skip
