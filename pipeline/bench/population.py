"""Who and what the benchmark's lines are drawn from: addresses, user agents, pages, referrers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

ADDRESSES: Final = 30_000
AGENTS: Final = 1_800
PAGES: Final = 5_000
_PER_ADDRESS: Final = 3
"""Browsers behind one address, in falling order of use."""

_SITE: Final = "https://www.example.org"
_WEBKIT: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_PEOPLE: Final = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} Safari/537.36",
    (
        f"Mozilla/5.0 (Linux; Android 14; SM-S911B) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} "
        "Mobile Safari/537.36"
    ),
    (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} "
        "Safari/537.36"
    ),
    (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} "
        "Safari/537.36 Edg/{v}.0.{b}.{p}"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS {m}_{s} like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/{m}.{s} Mobile/15E{p} Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_{s}) AppleWebKit/605.1.{p} "
        "(KHTML, like Gecko) Version/{m}.{s} Safari/605.1.{p}"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.{s}",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.{s}",
    (
        f"Mozilla/5.0 (Linux; Android 1{{s}}; Pixel {{m}}) {_WEBKIT} SamsungBrowser/{{m}}.{{s}} "
        "Chrome/{v}.0.{b}.{p} Mobile Safari/537.36"
    ),
)
_BOTS: Final = (
    "Mozilla/5.0 (compatible; Googlebot/2.{s}; +http://www.google.com/bot.html; {p})",
    "Mozilla/5.0 (compatible; bingbot/2.{s}; +http://www.bing.com/bingbot.htm; {p})",
    "Mozilla/5.0 (compatible; AhrefsBot/{m}.{s}; +http://ahrefs.com/robot/; {p})",
    "python-requests/2.{m}.{p}",
)
_PEOPLE_SHARE: Final = (30, 18, 8, 8, 14, 7, 6, 2, 3)
_BOTS_SHARE: Final = (2, 1, 0.6, 0.4)
_WORDS: Final = (
    "oak", "chairs", "garden", "winter", "prices", "guide", "kitchen", "tables", "news", "about",
    "delivery", "offers", "lamps", "stories", "care", "colours", "outdoor", "shelves", "rooms",
    "ideas",
)  # fmt: skip

Indices = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


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


def populate(rng: np.random.Generator) -> Population:
    """Draw a population; equal states of ``rng`` give equal ones."""
    agents, agent_odds = _agents(rng)
    browsers = draw(rng, agent_odds, ADDRESSES * _PER_ADDRESS).reshape(ADDRESSES, _PER_ADDRESS)
    browsers[:AGENTS, -1] = rng.permutation(AGENTS)  # so that the rarest are met as well
    targets = _targets(rng)
    referrers, referrer_weights = _referrers(targets)
    return Population(
        addresses=_addresses(rng),
        address_odds=_zipf(ADDRESSES, 0.6),
        agents=pl.Series("agent", agents),
        browsers=browsers,
        targets=pl.Series("target", targets),
        target_odds=_zipf(PAGES, 1.0),
        referrers=pl.Series("referrer", referrers),
        referrer_odds=cumulated(referrer_weights),
    )


def draw(rng: np.random.Generator, odds: Weights, count: int) -> Indices:
    """Return ``count`` indices into what ``odds`` weighs."""
    return np.searchsorted(odds, rng.random(count), side="right")


def _zipf(count: int, exponent: float) -> Weights:
    return cumulated(1 / np.arange(1, count + 1) ** exponent)


def cumulated(weights: Weights) -> Weights:
    """Return running sums of ``weights``, ending in 1."""
    total: Weights = np.cumsum(weights)
    return total / float(total[-1])


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


def _agents(rng: np.random.Generator) -> tuple[list[str], Weights]:
    """Return AGENTS distinct agents; newer versions of a browser are met more often."""
    shares = dict(zip((*_PEOPLE, *_BOTS), (*_PEOPLE_SHARE, *_BOTS_SHARE), strict=True))
    each: dict[str, dict[str, None]] = {template: {} for template in shares}
    templates = itertools.cycle(shares)
    while sum(map(len, each.values())) < AGENTS:
        template = next(templates)
        version, minor, build = (
            rng.integers(90, 132),
            rng.integers(12, 19),
            rng.integers(4000, 6800),
        )
        small, patch = rng.integers(0, 7), rng.integers(1, 250)
        agent = template.format(v=version, m=minor, b=build, p=patch, s=small)
        each[template][agent] = None
    weights = [
        shares[template] / rank for template, agents in each.items() for rank in _ranks(agents)
    ]
    return [agent for agents in each.values() for agent in agents], cumulated(np.array(weights))


def _ranks(agents: dict[str, None]) -> list[float]:
    """Return divisors that share a template's weight out among its agents."""
    harmonic = sum(1 / rank for rank in range(1, len(agents) + 1))
    return [rank * harmonic for rank in range(1, len(agents) + 1)]


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
