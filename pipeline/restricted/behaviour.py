"""What no person does: too many pages in a minute, many pages and never a picture or a style.

A sign is a flag on a visitor's rows *from then on*: what has been sent cannot be changed. It says
nothing of who it is: an office behind one address with one browser asks for many pages, too.

What is remembered of a visitor is counters under the pseudonym of the day, in tables of a fixed
size: two pseudonyms that fall on one place take it from each other, and so lose what was counted.
Nothing is kept over a restart, nor over the end of a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline import declarations
from pipeline.restricted.requests import REMEMBERED, Flags, Requests, Visitors
from pipeline.restricted.segment import Segments

PLACES: Final = 1 << 20
"""Visitors remembered at most; 25 bytes each."""
MINUTE: Final = 60
RATE: Final = "rate"
NO_ASSETS: Final = "no assets"

_SITES_LIMIT: Final = 10_000
_NEVER: Final = 1 << 32
"""A row past every batch's end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """See ``schemas/behaviour.yaml``; 0 switches a sign off."""

    pages_a_minute: int
    pages_without_assets: int
    visitors_with_assets: int


def load_limits(overridden: Mapping[str, int | None] | None = None) -> Limits:
    """Return the packaged limits, save for those that ``overridden`` gives."""
    document = declarations.load("behaviour.yaml")
    given = {name: value for name, value in (overridden or {}).items() if value is not None}
    return Limits(**{name: given.get(name, document[name]) for name in Limits.__slots__})


class Behaviour:
    """Watches people's requests, batch by batch, in the order of their lines."""

    __slots__ = ("_asset", "_limits", "_methods", "_places", "_sites", "_table")

    def __init__(self, limits: Limits, *, places: int = PLACES) -> None:
        """Watch with these limits; ``places``, a power of two, are how many are remembered."""
        document = declarations.load("behaviour.yaml")
        self._asset = Segments().asset
        self._methods = [pl.col("method") == method for method in document["methods"]]
        self._limits = limits
        self._places = places
        self.forget()

    def __repr__(self) -> str:
        return "Behaviour()"

    def forget(self) -> None:
        """Forget every visitor."""
        self._table = np.zeros(self._places, REMEMBERED)
        self._sites: dict[tuple[str, str], int] = {}

    def signs(self, place: tuple[str, str], requests: pl.DataFrame) -> pl.Series:
        """Return the sign on each request (String): RATE, NO_ASSETS or null.

        ``place`` is site and ingest. ``requests`` has the columns audience, visitor, time
        (seconds), method and target; only those of humans are watched. What is said of a row
        follows from the rows before it, however they are cut into batches.
        """
        nothing = pl.repeat(None, requests.height, dtype=pl.String, eager=True).alias("sign")
        watched = requests.with_row_index("at").filter(audience="human")
        if watched.is_empty():
            return nothing
        rows = Requests(self._kinds(watched))
        self._recall(rows)
        known_from = self._served(place, rows)
        rushed, bare = self._judged(rows, known_from)
        self._remember(rows)
        if not rushed.any() and not bare.any():
            return nothing
        signs = np.where(rushed, RATE, NO_ASSETS)
        signed = rushed | bare
        return nothing.scatter(rows.at[signed], pl.Series(signs[signed], dtype=pl.String))

    def _kinds(self, watched: pl.DataFrame) -> pl.DataFrame:
        """Return at, visitor, minute, and whether each request is for an asset or a page."""
        asset = pl.col("target").str.contains(self._asset).fill_null(value=False)
        return watched.select(
            "at",
            "visitor",
            (pl.col("time") // MINUTE).alias("minute"),
            asset.alias("asset"),
            (~asset & pl.any_horizontal(self._methods).fill_null(value=False)).alias("page"),
        )

    def _recall(self, rows: Requests) -> None:
        """Go on from what was remembered of each visitor; zeros of one who is new."""
        found = self._table[self._place(rows.visitors)]
        found[found["visitor"] != rows.visitors] = np.zeros((), REMEMBERED)
        rows.walk(found)

    def _served(self, place: tuple[str, str], rows: Requests) -> int:
        """Count who was sent an asset; return the row from which on it is known that many are."""
        if place not in self._sites and len(self._sites) >= _SITES_LIMIT:
            self._sites.clear()
        had = self._sites.get(place, 0)
        firsts = np.sort(rows.at[rows.first_assets()])
        self._sites[place] = had + len(firsts)
        missing = self._limits.visitors_with_assets - had
        if missing <= 0:
            return 0
        return int(firsts[missing - 1]) + 1 if missing <= len(firsts) else _NEVER

    def _judged(self, rows: Requests, known_from: int) -> tuple[Flags, Flags]:
        """Tell of each row whether its visitor has been too quick, and whether it goes bare."""
        limits = self._limits
        if limits.pages_a_minute:
            rows.rush(rows.in_minute > limits.pages_a_minute)
        bare = np.zeros(len(rows.at), np.bool_)
        if limits.pages_without_assets:
            enough = (rows.pages >= limits.pages_without_assets) & (rows.at >= known_from)
            bare = enough & (rows.assets == 0)
        return rows.rushed, bare

    def _remember(self, rows: Requests) -> None:
        self._table[self._place(rows.visitors)] = rows.last()

    def _place(self, visitors: Visitors) -> Visitors:
        """Return where a visitor is remembered: pseudonyms are even already."""
        return visitors & np.uint64(self._places - 1)
