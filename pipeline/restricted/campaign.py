"""Campaign parameters of a landing page → the campaign's name, if it is one that may be said.

``utm_source``, ``utm_medium`` and ``utm_campaign`` are written by whoever links, so anything may
stand there: an address a newsletter was sent to, a customer's number. Only words pass, and only
where the rules for pages find nothing in them. Of a click id (``gclid``) is said that it was there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import polars as pl

from pipeline import declarations
from pipeline.restricted.distinct import Remembered, distinct
from pipeline.restricted.scrub.spelling import decoded

CACHE_LIMIT: Final = 50_000
"""Distinct query strings remembered."""
WORDS_LIMIT: Final = 10_000
"""Distinct values remembered."""

NO_CAMPAIGN: Final = "(none)"
CLICK_ID: Final = "(click id)"
UNSAID: Final = "-"
"""Stands for a part of a campaign that the link does not give."""
HIDDEN: Final = ":value"
"""Stands for a value that may not be said."""
SEPARATOR: Final = " / "

KEYS: Final = ("utm_source", "utm_medium", "utm_campaign")
_BETWEEN: Final = "\x00"
_LONGEST_QUERY: Final = 2_048
_LONGEST_VALUE: Final = 200
_WORDS: Final = re.compile(r"(?=.{1,40}$)(?=.*[a-z])[a-z0-9]+(?:[-_.][a-z0-9]+)*")
# One number at most: a quarter, a day, a year of this century. More could be somebody's.
_NUMBER: Final = re.compile(r"[^0-9]*(?:[0-9]{1,2}|20[0-9]{2})?[^0-9]*")
_SPACES: Final = re.compile(r"\s+")


class Campaigns:
    """Describes the queries of request targets; remembers what it has seen, within limits."""

    def __init__(self, scrub: Callable[[str], str]) -> None:
        """``scrub`` gives the page of a path, by the rules for pages."""
        self._scrub = scrub
        self._click_ids = frozenset(declarations.load("referrers.yaml")["click_ids"])
        self.keys = (*KEYS, *sorted(self._click_ids))
        """What of a query is looked at."""
        self._worth_a_look = f"(?i)[?&;](?:{'|'.join(self.keys)})="
        self._remembered: Remembered[str, str] = Remembered(self._told, CACHE_LIMIT)
        self._said: Remembered[str, str] = Remembered(self._say, WORDS_LIMIT)

    def forget(self) -> None:
        """Forget the queries and values remembered."""
        self._remembered.clear()
        self._said.clear()

    def column(self, targets: pl.Series, hidden: frozenset[str] = frozenset()) -> pl.Series:
        """Return the campaign of each request target (String, no nulls).

        ``hidden`` are those of ``keys`` of which the site says nothing.
        """
        named = targets.str.contains(self._worth_a_look).fill_null(value=False)
        found = pl.repeat(NO_CAMPAIGN, len(targets), dtype=pl.String, eager=True)
        if named.any():
            codes, values = distinct(targets.filter(named))
            beneath = ",".join(sorted(hidden))
            told = self._remembered.many([f"{beneath}{_BETWEEN}{value}" for value in values])
            said = pl.Series("campaign", told, dtype=pl.String)
            found = found.scatter(named.arg_true(), said.gather(codes))
        return found.alias("campaign")

    def describe(self, target: str | None, hidden: frozenset[str] = frozenset()) -> str:
        """Return one target's campaign: source, medium and name; ``(click id)`` or ``(none)``."""
        query = (target or "").partition("#")[0].partition("?")[2][:_LONGEST_QUERY]
        values: dict[str, str] = {}
        for pair in re.split("[&;]", query):
            key, _, value = pair.partition("=")
            if value and key.lower() not in hidden:
                values.setdefault(key.lower(), value)
        if any(key in values for key in KEYS):
            parts = (self._said(values[key]) if key in values else UNSAID for key in KEYS)
            return SEPARATOR.join(parts)
        return NO_CAMPAIGN if self._click_ids.isdisjoint(values) else CLICK_ID

    def _told(self, seen: str) -> str:
        hidden, _, target = seen.partition(_BETWEEN)
        return self.describe(target, frozenset(hidden.split(",")))

    def _say(self, value: str) -> str:
        if len(value) > _LONGEST_VALUE:
            return HIDDEN
        words = _SPACES.sub("-", decoded(value.replace("+", " ")).strip().lower())
        if not _WORDS.fullmatch(words) or not _NUMBER.fullmatch(words):
            return HIDDEN
        return words if self._scrub(f"/{words}") == f"/{words}" else HIDDEN
