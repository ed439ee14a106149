"""User agents: browsers by template, and programs as their makers write them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from pipeline.simulate.draws import Weights, cumulated

_WEBKIT: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
_MACINTOSH: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_"

BROWSERS: Final[Mapping[str, float]] = {
    f"{_WINDOWS}) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} Safari/537.36": 30,
    f"Mozilla/5.0 (Linux; Android 14; SM-S911B) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} "
    "Mobile Safari/537.36": 18,
    f"{_MACINTOSH}7) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} Safari/537.36": 8,
    f"{_WINDOWS}) {_WEBKIT} Chrome/{{v}}.0.{{b}}.{{p}} Safari/537.36 Edg/{{v}}.0.{{b}}.{{p}}": 8,
    "Mozilla/5.0 (iPhone; CPU iPhone OS {m}_{s} like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/{m}.{s} Mobile/15E{p} Safari/604.1": 14,
    f"{_MACINTOSH}{{s}}) AppleWebKit/605.1.{{p}} (KHTML, like Gecko) "
    "Version/{m}.{s} Safari/605.1.{p}": 7,
    f"{_WINDOWS}; rv:{{v}}.0) Gecko/20100101 Firefox/{{v}}.{{s}}": 6,
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.{s}": 2,
    f"Mozilla/5.0 (Linux; Android 1{{s}}; Pixel {{m}}) {_WEBKIT} SamsungBrowser/{{m}}.{{s}} "
    "Chrome/{v}.0.{b}.{p} Mobile Safari/537.36": 3,
}
"""Template of a person's browser → its share of the visitors."""


class Program(NamedTuple):
    """A program that fetches pages: its user agent (None sends none), share and machines."""

    agent: str | None
    share: float
    machines: int


SEARCH_CRAWLERS: Final = (
    Program("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 20, 24),
    Program(
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {_WEBKIT} "
        "Chrome/129.0.6668.89 Mobile Safari/537.36 "
        "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        10,
        24,
    ),
    Program("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 12, 12),
    Program("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", 4, 6),
    Program("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 8, 10),
    Program("Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", 6, 8),
)
AI_CRAWLERS: Final = (
    Program(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2; "
        "+https://openai.com/gptbot",
        9,
        16,
    ),
    Program(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; "
        "+https://openai.com/bot",
        4,
        8,
    ),
    Program(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; "
        "+claudebot@anthropic.com)",
        7,
        8,
    ),
    Program(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
        "+https://perplexity.ai/perplexitybot)",
        3,
        4,
    ),
    Program("CCBot/2.0 (https://commoncrawl.org/faq/)", 3, 4),
    Program(
        "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
        5,
        12,
    ),
)
TOOLS: Final = (
    Program("curl/8.5.0", 2, 6),
    Program("python-requests/2.31.0", 2, 6),
    Program("Go-http-client/1.1", 2, 6),
    Program("Mozilla/5.0 zgrab/0.x", 1, 6),
    Program(None, 1, 6),
    # What a format has to quote, escape or encode.
    Program('Mozilla/5.0 (compatible; "Quoted" Bot\\1.0; {a|b} 100%)', 0.5, 2),
    Program("Prüfer/1.0 (+https://example.org/prüfer#bot)", 0.5, 2),
)
MONITOR: Final = (
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"  # sends the plus
)
"""Asks for one page every five minutes."""
ABUSER: Final = "python-requests/2.31.0"
"""What the abuser of the login page calls itself."""


def agents(
    rng: np.random.Generator, shares: Mapping[str, float], count: int
) -> tuple[list[str], Weights]:
    """Return ``count`` distinct agents made of templates, and their cumulated odds.

    Each template gets as many, and its share; newer versions are met more often.
    """
    each: dict[str, dict[str, None]] = {template: {} for template in shares}
    templates = itertools.cycle(shares)
    while sum(map(len, each.values())) < count:
        template = next(templates)
        version, minor, build = (
            rng.integers(90, 132),
            rng.integers(12, 19),
            rng.integers(4000, 6800),
        )
        small, patch = rng.integers(0, 7), rng.integers(1, 250)
        agent = template.format(v=version, m=minor, b=build, p=patch, s=small)
        each[template][agent] = None
    weights = [shares[template] / rank for template, made in each.items() for rank in _ranks(made)]
    return [agent for made in each.values() for agent in made], cumulated(np.array(weights))


def _ranks(made: dict[str, None]) -> list[float]:
    """Return divisors that share a template's weight out among its agents."""
    harmonic = sum(1 / rank for rank in range(1, len(made) + 1))
    return [rank * harmonic for rank in range(1, len(made) + 1)]
