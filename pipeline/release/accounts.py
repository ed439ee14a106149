"""Accounts per site: every hit that came in is released, withheld or still pending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Account:
    """Hits of one site: counted, in the daily traffic, and withheld for good."""

    counted: int = 0
    released: int = 0
    withheld: int = 0

    @property
    def pending(self) -> int:
        """Hits that may still be released."""
        return self.counted - self.released - self.withheld

    def __add__(self, more: Account) -> Account:
        return Account(
            self.counted + more.counted,
            self.released + more.released,
            self.withheld + more.withheld,
        )


class Accounts:
    """A growing account for each site."""

    def __init__(self, opening: Mapping[str, Account] | None = None) -> None:
        self._sites = dict(opening or {})

    def book(
        self,
        rows: pl.DataFrame,
        *,
        counted: bool = False,
        released: bool = False,
        withheld: bool = False,
    ) -> None:
        """Add the hits of ``rows`` (site as text, hits) under each heading that is set."""
        for site, hits in rows.group_by("site").agg(pl.col("hits").sum()).iter_rows():
            more = Account(hits * counted, hits * released, hits * withheld)
            self._sites[site] = self._sites.get(site, Account()) + more

    def statement(self) -> dict[str, Account]:
        """Return a copy, by site."""
        return dict(self._sites)
