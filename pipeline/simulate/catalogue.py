"""What a site has to offer, and where its visitors come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import numpy as np
import polars as pl

from pipeline.simulate.draws import Indices, Weights, cumulated, zipf

_FIRST: Final = (
    "/", "/products", "/products/chairs", "/products/tables", "/products/lamps", "/blog", "/about",
    "/contact", "/help", "/help/returns", "/help/delivery", "/cart", "/checkout", "/login",
    "/caf%C3%A9",
)  # fmt: skip
_COLOURS: Final = ("amber", "black", "blue", "green", "grey", "ivory", "red", "white")
_WOODS: Final = ("ash", "beech", "birch", "cherry", "elm", "maple", "oak", "pine", "walnut")
_THINGS: Final = ("bench", "chair", "desk", "lamp", "shelf", "stool", "table")
_ASSETS: Final = (
    "/static/site.css", "/static/app.js", "/static/logo.svg", "/favicon.ico",
    "/static/widget.js", "/static/photos/hall.webp", "/static/photos/desk.webp",
    "/static/font.woff2",
)  # fmt: skip
_CAMPAIGNS: Final = (
    "utm_source=newsletter&utm_medium=email&utm_campaign=spring",
    "utm_source=example&utm_medium=cpc&utm_campaign=chairs",
    "gclid=Cj0KCQjwexample",
    "fbclid=IwAR0example",
)
_LANDINGS: Final = 24
_PROBES: Final = ("/.env", "/wp-login.php", "/xmlrpc.php", "/admin.php", "/.git/config")
_SYLLABLES: Final = ("ba", "cor", "del", "fan", "gal", "hov", "kel", "mir", "nev", "rov", "tam")
_SEARCH: Final = (
    "https://www.google.com/", "https://www.google.de/", "https://www.bing.com/",
    "https://duckduckgo.com/", "https://www.ecosia.org/",
)  # fmt: skip
_SOCIAL: Final = (
    "https://l.facebook.com/", "https://t.co/abc", "https://www.reddit.com/r/furniture/",
    "https://www.linkedin.com/",
)  # fmt: skip
_MAIL: Final = ("https://mail.google.com/", "https://outlook.live.com/mail/0/")
_AI: Final = (
    "https://chatgpt.com/", "https://www.perplexity.ai/", "https://gemini.google.com/",
    "https://copilot.microsoft.com/",
)  # fmt: skip
_OTHER: Final = (
    "https://news.example/reviews/chairs?id=3",
    "https://blog.example/2025/03/oak-or-ash",
    # What a format has to quote, escape or encode.
    'https://forum.example/thread?title="chairs"&tags={oak|ash}',
    "https://möbel.example/stühle",
)
_OUTSIDE: Final[tuple[tuple[str, tuple[str | None, ...], float], ...]] = (
    ("direct", (None,), 38),
    ("search", _SEARCH, 36),
    ("social", _SOCIAL, 11),
    ("mail", _MAIL, 3),
    ("ai", _AI, 4),
    ("other", _OTHER, 8),
)
INTERNAL: Final = "internal"


@dataclass(frozen=True, slots=True, repr=False)
class Catalogue:
    """The requests that can be made of a site; indices point into ``targets``.

    ``targets`` and ``pages`` (decoded path) are String series of one length; ``referrers`` and
    ``kinds`` another two, where the page ``n`` of the site itself is at ``internal + n``.
    """

    targets: pl.Series
    pages: pl.Series
    page_odds: Weights
    queries: Indices
    campaigns: int
    assets: Indices
    robots: int
    health: int
    probes: Indices
    logins: Indices
    referrers: pl.Series
    kinds: pl.Series
    outside_odds: Weights
    internal: int

    def campaign(self, landing: Indices, variant: Indices) -> Indices:
        """Return the target of a landing page with a campaign's parameters."""
        return self.campaigns + (landing % _LANDINGS) * len(_CAMPAIGNS) + variant % len(_CAMPAIGNS)

    def at(self, page: str) -> int:
        """Return the index of a page of every site."""
        return _FIRST.index(page)


def catalogue(host: str) -> Catalogue:
    """Return what the site at ``host`` has."""
    pages = [
        *_FIRST,
        *(f"/products/{c}-{w}-{t}" for c in _COLOURS for w in _WOODS for t in _THINGS),
    ]
    campaigns = [f"{page}?{values}" for page in pages[:_LANDINGS] for values in _CAMPAIGNS]
    queries = [f"/search?q={wood}+{thing}" for wood in _WOODS for thing in _THINGS]
    queries += [f"/products?page={number}&sort=price" for number in range(2, 12)]
    names = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in ("", "or", "an")]
    groups = (pages, campaigns, queries, list(_ASSETS), ["/robots.txt", "/health"], list(_PROBES),
              [f"/login?user={name}" for name in names])  # fmt: skip
    targets = [target for group in groups for target in group]
    ends = np.cumsum([len(group) for group in groups]).tolist()
    outside = [(kind, url) for kind, urls, _ in _OUTSIDE for url in urls]
    odds = [share / len(urls) for _, urls, share in _OUTSIDE for _ in urls]
    decoded = [unquote(target.partition("?")[0]) for target in targets]
    return Catalogue(
        targets=pl.Series(targets),
        pages=pl.Series(decoded),
        page_odds=zipf(len(pages), 1.0),
        queries=np.arange(ends[1], ends[2]),
        campaigns=len(pages),
        assets=np.arange(ends[2], ends[3]),
        robots=ends[3],
        health=ends[3] + 1,
        probes=np.arange(ends[4], ends[5]),
        logins=np.arange(ends[5], ends[6]),
        referrers=pl.Series([url for _, url in outside] + [f"https://{host}{t}" for t in targets]),
        kinds=pl.Series([kind for kind, _ in outside] + [INTERNAL] * len(targets)),
        outside_odds=cumulated(np.array(odds)),
        internal=len(outside),
    )
