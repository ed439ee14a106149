"""The benchmark's file: Apache combined lines, drawn column by column, equal for equal seeds.

A quarter of a million lines a day, in order of time with a day's tide; a longer file has more
days, so that memory which grows with the file would show.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipeline.bench.population import Population, populate
from pipeline.simulate.draws import Indices, Weights, cumulated, draw

LINES_A_DAY: Final = 250_000
START: Final = dt.date(2025, 1, 6)
SITE: Final = "bench"
_DAY: Final = 86_400
_STATUSES: Final = (("200", 0.885), ("304", 0.05), ("404", 0.04), ("301", 0.02), ("500", 0.005))
_METHODS: Final = (("GET", 0.94), ("POST", 0.05), ("HEAD", 0.01))
BROWSER_ODDS: Final = np.array([0.85, 0.97, 1.0])
"""How often an address's browsers are met, cumulated."""


def generate(path: Path, lines: int, *, seed: int = 7) -> int:
    """Write ``lines`` lines to ``path``; return the size of the file in bytes."""
    with path.open("wb") as file:
        for day in days(lines, seed=seed):
            file.write(str(day.str.join("\n").item()).encode())
            file.write(b"\n")
        return file.tell()


def days(lines: int, *, seed: int = 7) -> Iterator[pl.Series]:
    """Yield the lines of a day (String, without newline), day after day from START."""
    population = populate(np.random.default_rng(seed))
    for number, first in enumerate(range(0, lines, LINES_A_DAY)):
        rng = np.random.default_rng([seed, number])
        count = min(LINES_A_DAY, lines - first)
        yield _day(rng, population, START + dt.timedelta(days=number), count)


def _day(rng: np.random.Generator, people: Population, date: dt.date, count: int) -> pl.Series:
    address = draw(rng, people.address_odds, count)
    agent = people.browsers[address, draw(rng, BROWSER_ODDS, count)]
    seconds = np.sort(draw(rng, _tide(), count))
    client = people.addresses.gather(address)
    return written(rng, people, client, agent, stamps(date).gather(seconds))


def written(
    rng: np.random.Generator, people: Population, client: pl.Series, agent: Indices, when: pl.Series
) -> pl.Series:
    """Return a line for each client address (named ``address``), agent and stamp; draw the rest."""
    count = len(client)
    status = _choice(rng, _STATUSES, count)
    size = rng.lognormal(9, 1.3, count).astype(np.int64) + 60
    frame = pl.DataFrame(
        [
            client,
            when,
            _choice(rng, _METHODS, count).alias("method"),
            people.targets.gather(draw(rng, people.target_odds, count)),
            status.alias("status"),
            pl.Series("size", size),
            people.referrers.gather(draw(rng, people.referrer_odds, count)),
            people.agents.gather(agent),
        ]
    )
    size_text = pl.when(status == "304").then(pl.lit("-")).otherwise(pl.col("size").cast(pl.String))
    return frame.select(
        pl.format(
            '{} - - [{}] "{} {} HTTP/1.1" {} {} "{}" "{}"',
            "address", "stamp", "method", "target", "status", size_text, "referrer", "agent",
        ).alias("line")
    )["line"]  # fmt: skip


def _choice(rng: np.random.Generator, odds: tuple[tuple[str, float], ...], count: int) -> pl.Series:
    values, shares = zip(*odds, strict=True)
    return pl.Series(values).gather(draw(rng, np.cumsum(shares), count))


def _tide() -> Weights:
    """Return the cumulated odds of each second of a day: a trough at four, a peak at 16."""
    seconds = np.arange(_DAY)
    return cumulated(1.2 - np.cos((seconds - 4 * 3600) * 2 * np.pi / _DAY))


def stamps(date: dt.date) -> pl.Series:
    """Return the 86,400 moments of a day as Apache writes them (%t)."""
    midnight = dt.datetime.combine(date, dt.time())
    moments = pl.datetime_range(
        midnight, midnight + dt.timedelta(seconds=_DAY - 1), "1s", eager=True
    )
    return moments.dt.strftime("%d/%b/%Y:%H:%M:%S +0000").alias("stamp")
