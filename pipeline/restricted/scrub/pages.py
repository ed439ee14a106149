"""The page of each row: the rules of its site, then what is rare there.

A site without rules of its own shares one memory with all others of the kind; sites with rules
share another, so that neither grows with the number of sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import polars as pl

from pipeline.restricted.distinct import Remembered, distinct
from pipeline.restricted.referrer import Referrer
from pipeline.restricted.scrub.frequency import Frequency
from pipeline.restricted.scrub.scrubber import CACHE_LIMIT, NO_PAGE, Scrubber
from pipeline.restricted.scrub.site import SiteScrubber

SITES_LIMIT: Final = 256
"""Sites whose rules are remembered."""
_BETWEEN: Final = "\x00"


class Pages:
    """Bounded memories of targets, and of what is rare."""

    def __init__(self, scrubber: Scrubber) -> None:
        """Take the rules of ``scrubber``, site rules included; raises SettingsError."""
        self._scrubber = scrubber
        self._entries = scrubber.rules.sites
        self._frequency = Frequency()
        self.at = lru_cache(SITES_LIMIT)(self._site)
        """A site → its own rules, None where it has none."""
        self._remembered: Remembered[str, str] = Remembered(self._ruled, CACHE_LIMIT)
        for entry in self._entries:
            SiteScrubber(scrubber, entry.sites[0], [entry])

    def forget(self) -> None:
        """Forget all targets and segments."""
        self._scrubber.forget()
        self._remembered.clear()
        self._frequency.forget()

    def column(
        self, site: str, targets: pl.Series, visitors: pl.Series, status: pl.Series
    ) -> pl.Series:
        """Return the page of each target; ``visitors`` is UInt64, ``status`` String."""
        codes, values = distinct(targets)
        page = pl.Series("page", self.many(site, values), dtype=pl.String).gather(codes)
        return self.by_frequency(site, page, visitors, status)

    def by_frequency(
        self, site: str, page: pl.Series, visitors: pl.Series, status: pl.Series
    ) -> pl.Series:
        """Return each page with what is rare at the site replaced."""
        thresholds = self._scrubber.rules.frequency
        for entry in self._entries:
            if entry.frequency is not None and entry.is_for(site):
                thresholds = entry.frequency
        rows = pl.DataFrame([page.alias("page"), visitors.alias("visitor"), status.alias("status")])
        own = self.at(site)
        if own is None:
            return self._frequency.pages(site, thresholds, rows)
        return self._frequency.pages(site, thresholds, rows, own.leading)

    def many(self, site: str, targets: Sequence[str | None]) -> list[str]:
        """Return the page of each target at ``site`` by the rules alone."""
        own = self.at(site)
        if own is None:
            return self._scrubber.many(targets)
        bare = targets if own.sees_queries else [t and t.partition("?")[0] for t in targets]
        named = [t and f"{site}{_BETWEEN}{t}" for t in bare]
        return [
            found if name is not None else NO_PAGE
            for found, name in zip(
                self._remembered.many([name or "" for name in named]), named, strict=True
            )
        ]

    def hidden(self, site: str, keys: Iterable[str]) -> frozenset[str]:
        """Return which of a query's ``keys`` the rules of ``site`` take something of."""
        own = self.at(site)
        return frozenset() if own is None else frozenset(filter(own.hides, keys))

    def referrers(self, site: str, said: Sequence[Referrer]) -> Sequence[Referrer]:
        """Return what may be said of referrers at ``site``."""
        own = self.at(site)
        return said if own is None else [own.referrer(each) for each in said]

    def _site(self, site: str) -> SiteScrubber | None:
        entries = [entry for entry in self._entries if entry.is_for(site)]
        if not any(entry.rules or entry.routes for entry in entries):
            return None
        return SiteScrubber(self._scrubber, site, entries)

    def _ruled(self, named: str) -> str:
        site, _, target = named.partition(_BETWEEN)
        own = self.at(site)
        return self._scrubber.page(target) if own is None else own.page(target)
