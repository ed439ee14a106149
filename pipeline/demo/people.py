"""Who visits: homes, offices behind one address, telephones on the move, crawlers.

Every visitor has an address nobody else has, offices and carriers aside; telephones get a new
one for each session, and an app writes the id of its installation into its user agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from pipeline.demo.plants import Garden

_DESKTOP: Final = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{chrome}.0.0.0 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{chrome}.0.0.0 Safari/537.36 Edg/{chrome}.0.2592.{patch}"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/{safari}.{minor} Safari/605.1.15"
    ),
)
_MOBILE: Final = (
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS {safari}_{minor} like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/{safari}.{minor} Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Linux; Android {android}; SM-S9{patch}B) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
    ),
)
_APPS: Final = (
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS {safari}_{minor} like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Mobile/15E148 ShopApp/4.{minor} (install {install})"
    ),
    (
        "Mozilla/5.0 (Linux; Android {android}; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/{chrome}.0.0.0 Mobile Safari/537.36 ShopApp/4.{minor} id={install}"
    ),
)
_CRAWLERS: Final = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "curl/8.{minor}.0",
    "python-requests/2.{patch}.0",
)
_SHARED: Final = "172.16.0.0/12"
"""Where offices and carriers put their people: the carriers' own block is a time of 2023 when read
as a number (see ``plants.may_be_counted``)."""
_RETURNING: Final = 0.3
_BOTS: Final = 0.06


@dataclass(frozen=True, slots=True, repr=False)
class Visitor:
    """An address, a user agent, and whether a program sits behind them."""

    address: str
    agent: str
    bot: bool = False
    moving: bool = False


class People:
    """Draws the visitor of each session: a new one, or one who was here before."""

    def __init__(self, rng: Random, garden: Garden, *, sessions: int) -> None:
        """Provide enough offices and crawlers for about ``sessions`` sessions."""
        self._rng, self._garden = rng, garden
        self._offices = [garden.ipv4(_SHARED) for _ in range(max(1, sessions // 400))]
        self._crawlers = [self._crawler() for _ in range(max(1, sessions // 200))]
        self._known: list[Visitor] = []

    def next(self) -> Visitor:
        """Return who comes next."""
        rng = self._rng
        if rng.random() < _BOTS:
            return rng.choice(self._crawlers)
        if self._known and rng.random() < _RETURNING:
            # Early visitors return most often, which gives the long tail of real sites.
            visitor = self._known[int(len(self._known) * rng.random() ** 2)]
            return self._move(visitor) if visitor.moving else visitor
        visitor = self._newcomer()
        self._known.append(visitor)
        return visitor

    def _newcomer(self) -> Visitor:
        rng, garden = self._rng, self._garden
        draw = rng.random()
        if draw < 0.15:  # noqa: PLR2004 - shares of the kinds of visitors add up to one
            return Visitor(rng.choice(self._offices), self._agent(rng.choice(_DESKTOP)))
        if draw < 0.45:  # noqa: PLR2004
            return Visitor(garden.ipv4("198.18.0.0/15"), self._agent(rng.choice(_DESKTOP)))
        if draw < 0.6:  # noqa: PLR2004
            return Visitor(garden.ipv6(), self._agent(rng.choice(_DESKTOP)))
        agent = self._agent(rng.choice(_MOBILE if draw < 0.8 else _APPS))  # noqa: PLR2004
        return self._move(Visitor("", agent, moving=True))

    def _move(self, visitor: Visitor) -> Visitor:
        """Give a telephone the address of its next session."""
        old = self._rng.random() < 0.5  # noqa: PLR2004 - half the carriers still speak IPv4
        address = self._garden.ipv4(_SHARED) if old else self._garden.ipv6()
        return Visitor(address, visitor.agent, moving=True)

    def _crawler(self) -> Visitor:
        agent = self._agent(self._rng.choice(_CRAWLERS))
        return Visitor(self._garden.ipv4("10.0.0.0/8"), agent, bot=True)

    def _agent(self, template: str) -> str:
        rng = self._rng
        agent = template.format(
            chrome=rng.choice((118, 120, 121, 122, 124, 125, 126)),
            firefox=rng.choice((115, 121, 123, 125, 126, 127)),
            safari=rng.choice((15, 16, 17, 18)),
            android=rng.choice((11, 12, 13, 14)),
            minor=rng.randrange(6),
            patch=rng.choice((11, 18, 21, 26, 31, 68)),
            install=self._garden.hexadecimal("install id", 24) if "{install}" in template else "",
        )
        # A short one (curl/8.1.0) names a program and nobody who runs it.
        return self._garden.plant("agent", agent) if len(agent) > 40 else agent  # noqa: PLR2004
