"""Request target → page at a site that has rules of its own.

Rules of a site take more away than those of all sites, or keep a query's key or a known route; what
a detector or a rule of all sites finds in a kept value is taken away all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, assert_never

from pipeline.errors import SettingsError
from pipeline.restricted.referrer import Referrer
from pipeline.restricted.scrub.detectors import DETECTORS
from pipeline.restricted.scrub.patterns import PathPattern
from pipeline.restricted.scrub.scrubber import NO_PAGE, Scrubber, read_path
from pipeline.restricted.scrub.siterules import Action, Entry, SiteRule
from pipeline.restricted.scrub.spelling import searchable

DROPPED: Final = "(dropped)"
"""The page of a request of which nothing may be said."""
UNNAMED: Final = "(unnamed)"

_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_WHOLE: Final = re.compile(r"[0-9]{1,7}")
_LONGEST_QUERY: Final = 4096
_MOST_KEYS: Final = 16


class SiteScrubber:
    """The rules of ``entries``, which are those for ``site``, before those of ``base``."""

    def __init__(self, base: Scrubber, site: str, entries: Iterable[Entry]) -> None:
        """Put the rules in order; raises SettingsError for a route that cannot be kept."""
        self._base = base
        entries = tuple(entries)
        rules = sorted(
            (rule for entry in entries for rule in entry.rules), key=lambda rule: rule.rank(site)
        )
        self.rules = rules
        mine = {field: [r for r in rules if r.field == field] for field in ("path", "query")}
        self._path, self._query = mine["path"], mine["query"]
        self._referrer = [rule for rule in rules if rule.field == "referrer"]
        routes = [(f"route {p.text}", p) for entry in entries for p in entry.routes]
        routes += [(r.name, r.pattern) for r in self._path if not r.denies and r.pattern]
        self._routes = [pattern for _, pattern in routes]
        for name, pattern in routes:
            self._check(name, pattern)

    @property
    def sees_queries(self) -> bool:
        """Tell whether a page depends on the query."""
        return bool(self._query)

    def hides(self, key: str) -> bool:
        """Tell whether a rule takes something of the query's ``key`` away."""
        return any(
            rule.selector == "key" and rule.denies and fnmatchcase(key, rule.text)
            for rule in self._query
        )

    def leading(self, segments: Sequence[str]) -> int:
        """Return how many of a page's first segments are of known routes."""
        return max((route.leading(segments) for route in self._routes), default=0)

    def page(self, target: str) -> str:
        """Return the page of one target."""
        path, mark, query = target.partition("?")
        page = self._page(path)
        if mark and self._query and page.startswith("/"):
            page += self._kept(query)
        return page

    def touching(self, target: str) -> set[str]:
        """Return the names of the rules that have something to do with ``target``."""
        path, _, query = target.partition("?")
        found = read_path(path)
        segments = [] if isinstance(found, str) else found[0]
        whole = searchable("/".join(("", *segments)))
        names = {r.name for r in self._path if _selected(r, segments, whole) is not None}
        for pair in query.split("&"):
            key = pair.partition("=")[0]
            names |= {
                rule.name
                for rule in self._query
                if (rule.selector == "key" and fnmatchcase(key, rule.text))
                or (rule.selector == "detector" and _is_in(rule.text, searchable(pair)))
            }
        return names

    def referrer(self, said: Referrer) -> Referrer:
        """Return what is said of a referrer; ``internal`` and ``direct`` ones stay."""
        if said.host is None or said.kind == "internal":
            return said
        host = said.host
        for rule in self._referrer:
            if not fnmatchcase(host, rule.text):
                continue
            match rule.action.kind:
                case "drop" | "coarsen":
                    return Referrer(UNNAMED, "other", host)
                case "placeholder":
                    return Referrer(str(rule.action.as_), "other", host)
                case "keep":
                    # What could be a person's has no name that could be kept.
                    return said if said.name == UNNAMED else Referrer(host, said.kind, host)
                case other:
                    assert_never(other)
        return said

    def _check(self, name: str, pattern: PathPattern) -> None:
        for literal in pattern.literals.values():
            if self._base.segment(literal) != literal:
                raise SettingsError(
                    f"scrubbing rules: {name} would keep {literal}, which the rules of all sites "
                    "take away, and deny wins; leave it out or put a {word} there"
                )

    def _page(self, path: str) -> str:
        if not self._path and not self._routes:
            return (path if self._base.is_plain(path) else self._base.scrub(path)) or "/"
        found = read_path(path)
        if isinstance(found, str):
            return found
        segments, slash = found
        whole = searchable("/".join(("", *segments)))
        marks: dict[int, str] = {}
        most = len(segments)
        for rule in self._path:
            at = _selected(rule, segments, whole) if rule.denies else None
            if at is None:
                continue
            if rule.action.kind == "drop":
                return DROPPED
            if isinstance(rule.action.to, int):
                most = min(most, rule.action.to)
            else:
                self._mark(marks, rule, at, segments)
        literals: dict[int, str] = {}
        for route in self._routes:
            if route.matches(segments):
                literals |= route.literals
        page = self._base.joined(segments, slash, marks, literals)
        return page if most == len(segments) else _first(page, most)

    @staticmethod
    def _mark(
        marks: dict[int, str], rule: SiteRule, at: Sequence[int], segments: Sequence[str]
    ) -> None:
        for position in at:
            said = _said(rule.action, segments[position], _word(rule, position))
            if said is not None:
                marks.setdefault(position, said)

    def _kept(self, query: str) -> str:
        query = query.partition("#")[0][:_LONGEST_QUERY]
        kept: dict[str, str] = {}
        for pair in query.split("&"):
            key, _, value = pair.partition("=")
            said = self._pair(key, value) if _KEY.fullmatch(key) else None
            if said is not None and len(kept) < _MOST_KEYS:
                kept.setdefault(key, said)
        page = "&".join(f"{key}={said}" for key, said in sorted(kept.items()))
        return f"?{page}" if page else ""

    def _pair(self, key: str, value: str) -> str | None:
        """Return what is said of one pair: None where its key is not named."""
        mine = [r for r in self._query if r.selector == "key" and fnmatchcase(key, r.text)]
        if not mine:
            return None
        # A key that only a glob knows is the visitor's text.
        if all(rule.text != key for rule in mine) and self._base.segment(key) != key:
            return None
        pair = f"{key}={value}"
        mine += [
            rule
            for rule in self._query
            if rule.selector == "detector"
            and (_is_in(rule.text, searchable(value)) or _is_in(rule.text, searchable(pair)))
        ]
        for rule in [rule for rule in self._query if rule in mine]:
            if rule.action.kind == "drop":
                return None
            if rule.denies:
                return _said(rule.action, searchable(value), None) or ":value"
        return ":value"


def _selected(rule: SiteRule, segments: Sequence[str], whole: str) -> Sequence[int] | None:
    """Return the positions a rule of paths is for; None where it has nothing to do with the path.

    What a detector finds only across segments is at no position.
    """
    if rule.pattern is not None:
        fits = rule.pattern.matches(segments)
        return rule.pattern.selected(len(segments)) if fits else None
    at = [i for i, segment in enumerate(segments) if _is_in(rule.text, segment)]
    return at if at or _is_in(rule.text, whole) else None


def _is_in(detector: str, text: str) -> bool:
    return DETECTORS[detector].is_in(text)


def _word(rule: SiteRule, position: int) -> str | None:
    piece = rule.pattern.pieces[position] if rule.selector == "route" and rule.pattern else None
    return piece.word if piece else None


def _said(action: Action, value: str, word: str | None) -> str | None:
    """Return what stands for ``value``; None where it is no number that could be made coarser."""
    match action.kind:
        case "placeholder":
            return action.as_ or f":{word}"
        case "keep" | "drop":
            return None
        case "coarsen":
            return _coarse(action, value)
        case other:
            assert_never(other)


def _coarse(action: Action, value: str) -> str | None:
    if not value.isdecimal() or not value.isascii():
        return None
    number = int(value) if _WHOLE.fullmatch(value) else None
    if action.to == "id" or number is None:
        return ":id"
    low = 10 ** (len(str(number)) - 1)
    return ":0" if number == 0 else f":{low}-{low * 10 - 1}"


def _first(page: str, segments: int) -> str:
    if page in {NO_PAGE, "*"}:
        return page
    parts = page.rstrip("/").split("/")[1:]
    return page if len(parts) <= segments else "/".join(("", *parts[:segments], ":more"))
