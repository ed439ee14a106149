"""Request target → page: the path with everything that could be somebody's replaced.

The rules are in ``schemas/scrub/default.yaml``, each with examples. What a detector misses is
bounded further on: a page that fewer than k visitors asked for is never released.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pipeline.errors import SettingsError
from pipeline.restricted.distinct import Remembered
from pipeline.restricted.scrub.randomness import looks_made_up
from pipeline.restricted.scrub.rules import Rules, read_rules
from pipeline.restricted.scrub.spelling import decoded, segments_of

CACHE_LIMIT: Final = 100_000
"""Distinct targets remembered."""
WORDS_LIMIT: Final = 10_000
"""Long words remembered."""

NO_PAGE: Final = "(none)"
OTHER_METHOD: Final = "(other method)"

# https://www.iana.org/assignments/http-methods
_METHODS: Final = frozenset(
    (
        "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK "
        "MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH "
        "POST PRI PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK "
        "UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL"
    ).split()
)

_LONGEST: Final = 4096
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/?#]*")
_CUT: Final = re.compile(r"[?#].*", re.DOTALL)
# Groups of a number or of an address, as a path may have them between its slashes.
_GROUPS: Final = re.compile(
    r"(?:/(?:[0-9a-fA-F]{1,4}|[-+(]{0,2}[0-9][^A-Za-z/]*)(?:\.[a-z]{2,5})?(?![^/])){2,}"
)
_SPARE: Final = 8
"""Segments looked at beyond the limit, since some of them together may be one address."""


def method_name(method: str | None) -> str:
    """Return ``method`` where it is a registered HTTP method, else ``(other method)``."""
    return method if method in _METHODS else OTHER_METHOD


class Scrubber:
    """Rules compiled once; remembers at most ``cache_limit`` distinct targets."""

    def __init__(self, rules: Rules | None = None, *, cache_limit: int = CACHE_LIMIT) -> None:
        """Take ``rules``, the packaged ones where None; raises SettingsError as ``check`` does."""
        self.rules = rules or read_rules()
        self._after = self.rules.names.after
        self._plain_path = _path_of(self.rules.plain)
        self._remembered: Remembered[str | None, str] = Remembered(self.page, cache_limit)
        # Words repeat far more often than paths do.
        self._is_made_up = lru_cache(WORDS_LIMIT)(looks_made_up)
        self.check()

    def check(self) -> None:
        """Raise SettingsError where the rules do not do what their own examples say."""
        for target, page in self.rules.examples.items():
            if self.page(target) != page:
                raise SettingsError(
                    f"scrubbing rules: the example {target!r} gives {self.page(target)!r}, "
                    f"not {page!r}; mend the rule or the example"
                )

    def many(self, targets: Sequence[str | None]) -> list[str]:
        """Return the page of each target, in order."""
        # Queries make most targets distinct and say nothing here.
        return self._remembered.many([t and t.partition("?")[0] for t in targets])

    def forget(self) -> None:
        """Forget the targets remembered."""
        self._remembered.clear()
        self._is_made_up.cache_clear()

    def page(self, target: str | None) -> str:
        """Return the page of one target, uncached; ``(none)`` where there is no path."""
        if target is None:
            return NO_PAGE
        path = target.partition("?")[0]
        return (path if self.is_plain(path) else self.scrub(path)) or "/"

    def scrub(self, target: str) -> str:
        """Return the page of a target without a query, by the rules alone."""
        found = read_path(target)
        return found if isinstance(found, str) else self.joined(*found)

    def joined(
        self,
        segments: Sequence[str],
        slash: bool,  # noqa: FBT001 -- as read_path gives it
        marks: Mapping[int, str] = MappingProxyType({}),
        literals: Mapping[int, str] = MappingProxyType({}),
    ) -> str:
        """Return the page of a path's segments.

        ``marks`` say what is shown at a position, whatever stands there. ``literals`` are segments
        of known routes, no names: they meet the rules like all others, but are not announced.
        """
        limits = self.rules.limits
        near = segments[: limits.segments + _SPARE]
        together = self.together(near)
        if together != [*near]:
            together, marks = self._around(near, marks)
            literals = {}  # a number across segments goes whole, whatever a route says
        kept = list(self._segments(together, marks, literals))
        shown = kept[: limits.segments]
        page = "/" + "/".join(shown)
        if len(segments) > len(near) or len(kept) > len(shown):
            page += "/:more"
        elif kept and slash:
            page += "/"
        return page if len(page) <= limits.page else _shortened(shown, limits.page)

    def is_plain(self, path: str) -> bool:
        """Tell whether ``path`` is its own page, by the short cut alone."""
        plain, limits = self._plain_path, self.rules.limits
        return (
            plain is not None
            and len(path) <= limits.segment
            and path.count("/") <= limits.segments
            and plain.fullmatch(path) is not None
            and self._is_harmless(path)
            and self._after.isdisjoint(path.lower().replace(".", "/").split("/"))
        )

    def _is_harmless(self, path: str) -> bool:
        """Tell whether ``not_plain`` finds nothing but long words, and none that looks made up."""
        not_plain = self.rules.not_plain
        if not_plain is None:
            return False
        found = not_plain.search(path)
        while found is not None:
            if found.lastgroup != "word" or self._is_made_up(found["word"]):
                return False
            found = not_plain.search(path, found.end())
        return True

    def together(self, segments: Sequence[str]) -> list[str]:
        """Put what may be the groups of one number or address to the rules as one."""
        text = "/".join(("", *segments))
        return _GROUPS.sub(lambda match: self._across(match[0]), text).split("/")[1:]

    def _across(self, text: str) -> str:
        for rewrite in self.rules.across:
            text = rewrite(text)
        return text

    def _around(
        self, segments: Sequence[str], marks: Mapping[int, str]
    ) -> tuple[list[str], Mapping[int, str]]:
        """Do the same, and tell where the marks are then; those within a number go with it."""
        text = "/".join(("", *segments))
        made: list[str] = []
        moved: dict[int, str] = {}
        since = 0

        def take(until: int) -> None:
            for at in range(since, until):
                if at in marks:
                    moved[len(made)] = marks[at]
                made.append(segments[at])

        for match in _GROUPS.finditer(text):
            after = self._across(match[0])
            if after != match[0]:
                begin = text.count("/", 0, match.start())
                take(begin)
                made += after.split("/")[1:]
                since = begin + match[0].count("/")
        take(len(segments))
        return made, moved

    def _segments(
        self, segments: Sequence[str], marks: Mapping[int, str], literals: Mapping[int, str]
    ) -> Iterator[str]:
        names = self.rules.names
        announced = False
        for at, segment in enumerate(segments):
            if at in marks:
                yield marks[at]
                announced = False
                continue
            if at in literals:
                # Were it taken for the name, the name after it would be shown.
                announced = announced or names.announced_by(segment)
                yield self.segment(segment)
                continue
            if announced and names.is_name(segment):
                yield ":name"
                announced = False
                continue
            announced = names.announced_by(segment, announced=announced)
            if segment[0] in "~@" and len(segment) > 1:
                yield "~:name" if segment[0] == "~" else ":name"
                continue
            yield self.segment(segment)

    def segment(self, segment: str) -> str:
        """Return what the rules leave of one decoded segment."""
        plain = self.rules.plain
        if plain is not None and plain.fullmatch(segment) and self._is_harmless(f"/{segment}"):
            return segment if len(segment) <= self.rules.limits.segment else ":long"
        for rewrite in self.rules.rewrites:
            segment = rewrite(segment)
        return segment if len(segment) <= self.rules.limits.segment else ":long"


def read_path(target: str) -> tuple[list[str], bool] | str:
    """Return a target's decoded segments, and whether it ends in a slash; or what it is instead."""
    path = target[:_LONGEST]
    path = (_ABSOLUTE.sub("", path, count=1) if "://" in path else path) or "/"
    if path == "*":
        return path
    if not path.startswith(("/", "?", "#", "\\", "%2f", "%2F", "%5c", "%5C")):
        return NO_PAGE
    return segments_of(_CUT.sub("", decoded(path)))


def load_scrubber(path: Path | None = None) -> Scrubber:
    """Read a rules file, the packaged default where ``path`` is None; raises SettingsError."""
    return Scrubber(read_rules(path))


def _path_of(segment: re.Pattern[str] | None) -> re.Pattern[str] | None:
    """Return a pattern for paths of nothing but such segments."""
    return None if segment is None else re.compile(rf"(?:/(?:{segment.pattern}))*/?")


def _shortened(segments: list[str], limit: int) -> str:
    page = ""
    for segment in segments:
        if len(page) + len(segment) + len("//:more") > limit:
            break
        page += f"/{segment}"
    return f"{page}/:more"
