"""Who and what the benchmark's lines are drawn from: addresses, user agents, pages, referrers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline.simulate.agents import BROWSERS, agents
from pipeline.simulate.draws import Indices, Weights, cumulated, draw, zipf

ADDRESSES: Final = 30_000
AGENTS: Final = 1_800
PAGES: Final = 5_000
_PER_ADDRESS: Final = 3
"""Browsers behind one address, in falling order of use."""

_SITE: Final = "https://www.example.org"
_BOTS: Final = {
    "Mozilla/5.0 (compatible; Googlebot/2.{s}; +http://www.google.com/bot.html; {p})": 2,
    "Mozilla/5.0 (compatible; bingbot/2.{s}; +http://www.bing.com/bingbot.htm; {p})": 1,
    "Mozilla/5.0 (compatible; AhrefsBot/{m}.{s}; +http://ahrefs.com/robot/; {p})": 0.6,
    "python-requests/2.{m}.{p}": 0.4,
}
_WORDS: Final = (
    "oak", "chairs", "garden", "winter", "prices", "guide", "kitchen", "tables", "news", "about",
    "delivery", "offers", "lamps", "stories", "care", "colours", "outdoor", "shelves", "rooms",
    "ideas",
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Population:
    """Values as String series, and how often each is met (cumulated, ending in 1).

    ``browsers`` gives each address the indices of its agents, shape (ADDRESSES, 3).
    """

    addresses: pl.Series
    address_odds: Weights
    agents: pl.Series
    browsers: Indices
    targets: pl.Series
    target_odds: Weights
    referrers: pl.Series
    referrer_odds: Weights


def populated(seed: int) -> tuple[Population, np.random.Generator]:
    """Return the population of a seed, and a generator as drawing it leaves one."""
    people, state = _drawn(seed)
    rng = np.random.default_rng(seed)
    rng.bit_generator.state = state
    return people, rng


@lru_cache(maxsize=2)
def _drawn(seed: int) -> tuple[Population, Mapping[str, Any]]:
    """Draw once for the lines of all formats, which takes half a second."""
    rng = np.random.default_rng(seed)
    people = populate(rng)
    people.browsers.setflags(write=False)
    return people, rng.bit_generator.state


def populate(rng: np.random.Generator) -> Population:
    """Draw a population; equal states of ``rng`` give equal ones."""
    made, agent_odds = agents(rng, {**BROWSERS, **_BOTS}, AGENTS)
    browsers = draw(rng, agent_odds, ADDRESSES * _PER_ADDRESS).reshape(ADDRESSES, _PER_ADDRESS)
    browsers[:AGENTS, -1] = rng.permutation(AGENTS)  # so that the rarest are met as well
    targets = _targets(rng)
    referrers, referrer_weights = _referrers(targets)
    return Population(
        addresses=_addresses(rng),
        address_odds=zipf(ADDRESSES, 0.6),
        agents=pl.Series("agent", made),
        browsers=browsers,
        targets=pl.Series("target", targets),
        target_odds=zipf(PAGES, 1.0),
        referrers=pl.Series("referrer", referrers),
        referrer_odds=cumulated(referrer_weights),
    )


def _addresses(rng: np.random.Generator) -> pl.Series:
    """Return distinct addresses of private, shared, benchmark and documentation ranges."""
    ranges = ((0x0A000000, 24), (0x64400000, 22), (0xAC100000, 20), (0xC6120000, 17))
    shares = (0.4, 0.2, 0.2, 0.2)
    texts: dict[str, None] = {}
    while len(texts) < ADDRESSES:
        if rng.random() < 0.2:  # noqa: PLR2004 - share of IPv6
            groups = rng.integers(1, 0x10000, 6)
            texts["2001:db8:" + ":".join(f"{group:x}" for group in groups)] = None
        else:
            base, bits = ranges[rng.choice(4, p=shares)]
            number = base + int(rng.integers(1 << bits))
            texts[".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))] = None
    return pl.Series("address", list(texts))


def _targets(rng: np.random.Generator) -> list[str]:
    targets: dict[str, None] = {"/": None}
    while len(targets) < PAGES:
        words = rng.choice(_WORDS, rng.integers(1, 4))
        path = "/" + "/".join(words) + f"/{rng.choice(_WORDS)}-{rng.integers(1, 400)}"
        query = f"?page={rng.integers(1, 9)}&sort=price" if rng.random() < 0.15 else ""  # noqa: PLR2004
        targets[path + query] = None
    return list(targets)


def _referrers(targets: list[str]) -> tuple[list[str], Weights]:
    """Return where visits come from: nowhere, engines, other sites, and pages of the site."""
    outside = {
        "-": 30.0,
        "https://www.google.com/": 15.0,
        "https://www.bing.com/": 3.0,
        "https://duckduckgo.com/": 2.0,
        "https://www.facebook.com/": 3.0,
        "https://t.co/": 1.0,
    }
    outside |= {f"https://{a}{b}.example/{b}": 0.02 for a in _WORDS for b in _WORDS}
    inside = [f"{_SITE}{target}" for target in targets]
    weights = [*outside.values(), *(45 / (rank * 9.1) for rank in range(1, len(inside) + 1))]
    return [*outside, *inside], np.array(weights)
