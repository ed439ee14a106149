"""Who visits a site: homes, offices behind one address, telephones on the move.

An address is two words. IPv4: its number, and 0. IPv6: network (/64) and interface. All of them
are set aside for documentation, benchmarks and carriers' own use (RFC 5737, 2544, 6598, 3849).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline.simulate import agents
from pipeline.simulate.draws import Indices, Mask, Weights, Words, draw, mixed, zipf

HOME, HOME6, OFFICE, MOBILE, MOBILE6 = range(5)
_SHARES: Final = np.cumsum([0.36, 0.2, 0.16, 0.14, 0.14])
_AGENTS: Final = 400
_FEWEST, _MOST = 40, 100_000
_RETURNING: Final = 0.7
"""Exponent of the power law by which visitors come back."""

_HOMES: Final = int(ipaddress.IPv4Address("198.18.0.0")), 1 << 17
_OFFICES: Final = int(ipaddress.IPv4Address("203.0.113.0"))
_CARRIERS: Final = int(ipaddress.IPv4Address("100.64.0.0"))
_MACHINES: Final = int(ipaddress.IPv4Address("192.0.2.0"))
_ABUSERS: Final = int(ipaddress.IPv4Address("198.51.100.0"))
_DOCUMENTATION6: Final = 0x20010DB8 << 32
_CARRIER6: Final = 1 << 31
"""Bit that parts carriers' networks from homes'."""


@dataclass(frozen=True, slots=True, repr=False)
class People:
    """Visitors by index: ``kind``, ``agent``, and the first word of their address at home.

    ``texts`` are all user agents (null sends none), ``bots`` which of them are programs.
    ``programs`` are the indices of the programs' agents, ``machines`` their first addresses;
    ``monitor``, ``silent`` (sends no agent) and ``abusing`` agents, ``abuser`` and ``spammer``
    addresses.
    """

    kind: Indices
    agent: Indices
    network: Words
    odds: Weights
    texts: pl.Series
    bots: pl.Series
    programs: Indices
    machines: Indices
    monitor: int
    silent: int
    abusing: int
    abuser: int
    spammer: int


PROGRAMS: Final = (*agents.SEARCH_CRAWLERS, *agents.AI_CRAWLERS, *agents.TOOLS)


def people(rng: np.random.Generator, visits: int) -> People:
    """Draw the visitors of a site that has about ``visits`` visits in all."""
    count = min(max(visits // 2, _FEWEST), _MOST)
    made, odds = agents.agents(rng, agents.BROWSERS, _AGENTS)
    phones = np.array(["Mobi" in agent for agent in made])
    kind = draw(rng, _SHARES, count)
    moving = (kind == MOBILE) | (kind == MOBILE6)
    agent = np.where(moving, _among(rng, odds, phones, count), _among(rng, odds, ~phones, count))
    texts = [*made, *(program.agent for program in PROGRAMS), agents.MONITOR]
    programs = np.arange(len(made), len(made) + len(PROGRAMS))
    machines = np.cumsum([0, *(program.machines for program in PROGRAMS)])
    return People(
        kind=kind,
        agent=agent,
        network=_networks(rng, kind, count),
        odds=zipf(count, _RETURNING),
        texts=pl.Series("agent", texts),
        bots=pl.Series("bot", [False] * len(made) + [True] * (len(texts) - len(made))),
        programs=programs,
        machines=_MACHINES + machines,
        monitor=len(texts) - 1,
        silent=texts.index(None),
        abusing=texts.index(agents.ABUSER),
        abuser=_ABUSERS + int(rng.integers(10, 120)),
        spammer=_ABUSERS + int(rng.integers(130, 250)),
    )


def _among(rng: np.random.Generator, odds: Weights, mask: Mask, count: int) -> Indices:
    """Draw from the agents of ``mask`` in relation to their odds."""
    weights = np.where(mask, np.diff(odds, prepend=0.0), 0.0)
    return draw(rng, np.cumsum(weights) / weights.sum(), count)


def _networks(rng: np.random.Generator, kind: Indices, count: int) -> Words:
    start, size = _HOMES
    homes = start + rng.choice(size, count, replace=False)
    offices = _OFFICES + rng.integers(1, 1 + min(200, 2 + count // 150), count)
    homes6 = _DOCUMENTATION6 + rng.choice(_CARRIER6, count, replace=False)
    return np.select([kind == HOME6, kind == OFFICE], [homes6, offices], homes).astype(np.uint64)


def addresses(
    people: People, visitor: Indices, visit: Words, change: Indices, day: int
) -> tuple[Words, Words]:
    """Return the two words of the address behind each request.

    ``visit`` tells visits apart, ``change`` counts the addresses a telephone has had in it.
    A home's interface is another every day (RFC 8981), its network stays.
    """
    kind = people.kind[visitor]
    moved = mixed(visit, change)
    carrier = _CARRIERS + (visitor % 3 << 16) + (moved % np.uint64(1 << 14)).astype(np.int64)
    carrier6 = np.uint64(_DOCUMENTATION6 + _CARRIER6) + moved % np.uint64(_CARRIER6)
    first = np.select(
        [kind == MOBILE, kind == MOBILE6], [carrier.astype(np.uint64), carrier6],
        people.network[visitor],
    )  # fmt: skip
    interface = np.where(kind == HOME6, mixed(visitor, day), mixed(moved, 1))
    second = np.where((kind == HOME6) | (kind == MOBILE6), interface, np.uint64(0))
    return first, second


def written(first: pl.Series, second: pl.Series) -> pl.Series:
    """Return the text of each address (RFC 5952 for IPv6)."""
    pairs = pl.DataFrame([first.alias("first"), second.alias("second")])
    unique = pairs.unique(maintain_order=True)
    texts = [
        str(ipaddress.IPv4Address(a) if a < 1 << 32 else ipaddress.IPv6Address(a << 64 | b))
        for a, b in unique.iter_rows()
    ]
    named = unique.with_columns(pl.Series("address", texts, dtype=pl.String))
    return pairs.join(named, on=["first", "second"], how="left", maintain_order="left")["address"]
