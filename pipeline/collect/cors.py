"""Which pages may send to a site, and what their browsers are told of it (the Fetch standard).

An origin is compared as text. Whoever is no browser can claim any, so this keeps other people's
pages out and nobody else: events are what anybody may say of himself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

ANY: Final = "*"
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type, Content-Encoding",
    "Access-Control-Max-Age": "7200",  # the longest that Chromium keeps
}


class Origins:
    """The allow-list of each site."""

    def __init__(self, sites: Mapping[str, Collection[str]]) -> None:
        self._sites = {name: frozenset(map(_normal, origins)) for name, origins in sites.items()}
        self._all = frozenset[str]().union(*self._sites.values())

    def allows(self, site: str, origin: str | None) -> bool:
        """Tell whether a request of this origin may send to the site.

        Without an origin it comes from no page: a browser always names it on a POST.
        """
        return origin is None or self._in(self._sites[site], origin)

    def headers(self, site: str | None, origin: str | None) -> dict[str, str]:
        """Return what lets a page read the answer: nothing where the origin is not listed."""
        # A preflight has no body, so the site may not be known yet; the POST is asked again.
        listed = self._all if site is None else self._sites.get(site, frozenset())
        if origin is None or not self._in(listed, origin):
            return {"Vary": "Origin"}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    def preflight(self, site: str | None, origin: str | None) -> dict[str, str]:
        """Return the answer to ``OPTIONS``."""
        return self.headers(site, origin) | _PREFLIGHT

    @staticmethod
    def _in(listed: frozenset[str], origin: str) -> bool:
        return _normal(origin) in listed or ANY in listed


def _normal(origin: str) -> str:
    return origin.strip().rstrip("/").lower()
