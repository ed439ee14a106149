"""User agent header → browser, system, device class, whether a person is behind it, or which bot.

The parser (ua-parser, with its Rust resolver) knows thousands of families, and some of its
patterns copy the family out of the header. Only names listed in ``schemas/agents.yaml`` pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from ua_parser import Domain, PartialResult
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from pipeline import declarations
from pipeline.restricted.crawlers import NO_AGENT, NOT_A_BOT, OTHER, load_crawlers
from pipeline.restricted.distinct import Remembered

UNKNOWN: Final = "(unknown)"
BOT: Final = "(bot)"
CACHE_LIMIT: Final = 50_000
"""Distinct user agents remembered."""

_LONGEST: Final = 1024
_MAJOR: Final = re.compile(r"[0-9]{1,3}")
_TABLET: Final = re.compile(r"ipad|tablet|kindle|playbook|silk(?!.*mobile)", re.IGNORECASE)
_PHONE: Final = re.compile(r"mobi|phone|ipod|midp|opera mini|j2me|wap", re.IGNORECASE)


class Agent(NamedTuple):
    """What is said of one user agent; every field is from a closed list."""

    audience: str
    browser: str
    browser_version: str
    system: str
    device: str
    bot: str


def a_bot(kind: str) -> Agent:
    """Return what is said of a bot of this kind (``kinds`` of ``schemas/crawlers.yaml``)."""
    return Agent("bot", BOT, BOT, BOT, "bot", kind)


@dataclass(frozen=True, slots=True)
class Names:
    """The lists of ``schemas/agents.yaml``; ``bots`` by kind, in the order they are asked."""

    bots: Mapping[str, re.Pattern[str]]
    browsers: frozenset[str]
    systems: Mapping[str, str | None]


def load_names() -> Names:
    """Read ``schemas/agents.yaml``."""
    document = declarations.load("agents.yaml")
    return Names(
        bots={
            kind: re.compile("|".join(f"(?:{part})" for part in parts), re.IGNORECASE)
            for kind, parts in document["bots"].items()
        },
        browsers=frozenset(document["browsers"]),
        systems=dict(document["systems"]),
    )


@cache
def _parser() -> Resolver:
    return Resolver(load_lazy_builtins())


class Agents:
    """Describes user agents; remembers at most ``cache_limit`` distinct ones."""

    def __init__(self, names: Names | None = None, *, cache_limit: int = CACHE_LIMIT) -> None:
        """Load the parser (a tenth of a second, once in a process) and the lists."""
        self._names = names or load_names()
        self._crawler = load_crawlers()
        self._resolve = _parser()
        self._remembered: Remembered[str | None, Agent] = Remembered(self.describe, cache_limit)

    def many(self, headers: Sequence[str | None]) -> list[Agent]:
        """Return what is said of each header, in order."""
        return self._remembered.many(headers)

    def forget(self) -> None:
        """Forget the agents remembered."""
        self._remembered.clear()

    def describe(self, header: str | None) -> Agent:
        """Return what is said of one header, uncached.

        No header, or a blank one, is a bot: every browser sends one. So is a program that neither
        calls itself a browser nor names a system we know.
        """
        text = (header or "")[:_LONGEST].strip()
        if not text:
            return a_bot(NO_AGENT)
        kind = self._crawler(text) or self._hinted(text)
        if kind is not None:
            return a_bot(kind)
        found = self._resolve(text, Domain.ALL)
        if found.device is not None and found.device.family == "Spider":
            return a_bot(OTHER)
        browser, version = self._browser(found)
        family = found.os.family if found.os else ""
        system = family if family in self._names.systems else UNKNOWN
        if system == UNKNOWN and browser == UNKNOWN and not text.startswith(("Mozilla/", "Opera/")):
            if not _PHONE.search(text):
                return a_bot(OTHER)
            return Agent("human", UNKNOWN, UNKNOWN, UNKNOWN, "mobile", NOT_A_BOT)
        return Agent("human", browser, version, system, self._device(text, system), NOT_A_BOT)

    def _hinted(self, text: str) -> str | None:
        """Return the kind of bot that the words of a header hint at."""
        return next((kind for kind, words in self._names.bots.items() if words.search(text)), None)

    def _browser(self, found: PartialResult) -> tuple[str, str]:
        agent = found.user_agent
        if agent is None or agent.family not in self._names.browsers:
            return UNKNOWN, UNKNOWN
        major = agent.major or ""
        return agent.family, major if _MAJOR.fullmatch(major) else UNKNOWN

    def _device(self, text: str, system: str) -> str:
        if _TABLET.search(text):
            return "tablet"
        if system == "Android":
            # Google's rule: phones say Mobile, tablets leave it out.
            return "mobile" if _PHONE.search(text) else "tablet"
        if _PHONE.search(text):
            return "mobile"
        return self._names.systems.get(system) or UNKNOWN
