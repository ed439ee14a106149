"""Visits of people: a landing, a walk over pages, the assets that come with it."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipeline.simulate.catalogue import Catalogue
from pipeline.simulate.draws import Indices, Mask, draw, mixed
from pipeline.simulate.hits import MICROS, POST, hits
from pipeline.simulate.people import MOBILE, MOBILE6, People, addresses

_HOUR: Final = 3600 * MICROS
_LONGEST: Final = 20
_GOES_ON: Final = 0.65
"""Chance that a page is not a visit's last."""
_THINKS: Final = 40
"""Seconds on a page, on average."""
_PAUSE: Final = 900
_MOVES: Final = 0.12
"""Chance that a telephone has another address at its next page."""
_STATUSES: Final = (200, 301, 302, 404, 500, 503)
_STATUS_ODDS: Final = np.cumsum([0.93, 0.012, 0.018, 0.03, 0.007, 0.003])


def visits(
    rng: np.random.Generator, site: Catalogue, people: People, hour: int, count: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the requests (``hits.SCHEMA``) of ``count`` visits begun in the hour, unsorted.

    ``hour`` is in hours since 1970 UTC. The second frame has a row per page viewed, in order:
    ``visit``, ``step`` and the request's columns; the chat widget builds on it.
    """
    visitor = draw(rng, people.odds, count)
    begin = np.int64(hour) * _HOUR + rng.integers(0, _HOUR, count)
    steps = np.minimum(rng.geometric(1 - _GOES_ON, count), _LONGEST)
    visit = np.repeat(np.arange(count), steps)
    step = np.arange(len(visit)) - np.repeat(np.cumsum(steps) - steps, steps)
    first = step == 0
    time = begin[visit] + _walk(rng, steps, first)
    target = _targets(rng, site, first)
    came_from = site.internal + np.roll(target, 1)
    outside = draw(rng, site.outside_odds, len(visit))
    referrer = np.where(first, outside, came_from)
    moving = np.isin(people.kind[visitor], (MOBILE, MOBILE6))[visit]
    moved = np.cumsum((rng.random(len(visit)) < _MOVES) & moving & ~first)
    key = mixed(int(rng.integers(1 << 62)), np.arange(count))
    network, interface = addresses(people, visitor[visit], key[visit], moved, hour // 24)
    status = np.array(_STATUSES)[draw(rng, _STATUS_ODDS, len(visit))]
    protocol = (rng.random(count) < 0.7).astype(np.int64)  # noqa: PLR2004 - share of HTTP/2
    pages = hits(
        rng, len(visit), time=time, first=network, second=interface,
        agent=people.agent[visitor][visit], target=target, referrer=referrer, status=status,
        protocol=protocol[visit],
        method=np.where(rng.random(len(visit)) < 0.03, POST, 0),  # noqa: PLR2004 - share of forms
    )  # fmt: skip
    chain = pages.with_columns(visit=pl.Series(visit), step=pl.Series(step))
    return pl.concat([pages, _assets(rng, site, chain)]), chain


def _walk(rng: np.random.Generator, steps: Indices, first: Mask) -> Indices:
    """Return the microseconds between the beginning of a visit and each of its pages."""
    pause = np.minimum(rng.exponential(_THINKS, len(first)) + 1, _PAUSE) * MICROS
    passed = np.cumsum(np.where(first, 0, pause).astype(np.int64))
    return passed - np.repeat(passed[first], steps)


def _targets(rng: np.random.Generator, site: Catalogue, first: Mask) -> Indices:
    """Return pages; one landing in twelve has a campaign's parameters, some steps are searches."""
    count = len(first)
    page = draw(rng, site.page_odds, count)
    dice = rng.random(count)
    campaign = site.campaign(rng.integers(0, 1 << 20, count), rng.integers(0, 1 << 20, count))
    query = rng.choice(site.queries, count)
    return np.where(
        first & (dice < 0.08),  # noqa: PLR2004 - shares of the requests
        campaign,
        np.where(~first & (dice < 0.06), query, page),  # noqa: PLR2004
    )


def _assets(rng: np.random.Generator, site: Catalogue, pages: pl.DataFrame) -> pl.DataFrame:
    """Return what browsers fetch with the pages: much with the first, little with the next."""
    wanted = np.where(
        pages["step"].to_numpy() == 0,
        rng.integers(1, len(site.assets) + 1, len(pages)),
        rng.random(len(pages)) < 0.3,  # noqa: PLR2004 - share of later pages with a photo
    ).astype(np.int64)
    page = np.repeat(np.arange(len(pages)), wanted)
    count = len(page)
    at = np.arange(count) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    of = pages[page]
    known = rng.random(count) < 0.25  # noqa: PLR2004 - share that the browser has already
    made = hits(
        rng,
        count,
        time=of["time"].to_numpy() + rng.integers(30_000, 1_200_000, count),
        first=of["first"].to_numpy(),
        second=of["second"].to_numpy(),
        agent=of["agent"].to_numpy(),
        target=site.assets[at % len(site.assets)],
        referrer=site.internal + of["target"].to_numpy(),
        protocol=of["protocol"].to_numpy(),
        status=np.where(known, 304, 200),
    )
    return made.with_columns(bytes=pl.when(status=304).then(0).otherwise("bytes"))
