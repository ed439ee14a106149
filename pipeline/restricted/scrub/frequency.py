"""What detectors miss: rare segments in places that have very many become ``:id``.

A place is a page up to a slash. It is crowded where more than so many of its segments were each
seen by one visitor, and these are nearly all it has: a gallery by nicknames, not a catalogue. In a
crowded place a segment stays once a second visitor has asked for it.

The memory holds hashes of text, never text; it is bounded, of one process, and forgotten each day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Generic, Self, TypeVar

import polars as pl

from pipeline.errors import SettingsError
from pipeline.restricted.distinct import distinct

SITES_LIMIT: Final = 32
"""Sites remembered at a time."""
CHILDREN_LIMIT: Final = 10_000
"""Segments of a site remembered, of those that are rare and of those that are not."""
PLACES_LIMIT: Final = 5_000
"""Places of a site remembered."""

_RARE: Final = ":id"
_REFUSED: Final = "400"
"""Statuses from here on: what is not there does not make a place crowded, so a scanner cannot."""
_PAIR: Final = 2
V = TypeVar("V")
Leading = Callable[[Sequence[str]], int]
"""A page's segments → how many of the first ones are known routes."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A place is crowded with more than ``children`` segments seen by fewer than ``visitors``.

    They also have to be at least ``share`` of all its segments.
    """

    enabled: bool = True
    children: int = 200
    visitors: int = 2
    share: float = 0.9

    @classmethod
    def read(cls, document: object, where: str, base: Self | None = None) -> Self:
        """Read a rules file's ``frequency``; what it leaves out is ``base``'s. SettingsError."""
        changed = document if document is not None else {}
        names = {each.name for each in fields(cls)}
        if not isinstance(changed, dict) or changed.keys() - names:
            raise SettingsError(f"scrubbing rules, {where}: needs {', '.join(sorted(names))}")
        made = replace(base or cls(), **changed)
        counts = (made.children, made.visitors)
        whole = all(type(count) is int and count > least for least, count in enumerate(counts))
        share = type(made.share) in {int, float} and 0 <= made.share <= 1
        if not (whole and share and type(made.enabled) is bool):
            raise SettingsError(
                f"scrubbing rules, {where}: children and visitors are whole numbers from 1 and "
                "2, share is between 0 and 1, enabled true or false"
            )
        return made


class Recent(Generic[V]):
    """A bounded dictionary in two generations: what was not asked for lately goes."""

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, limit: int) -> None:
        """Hold at most ``limit``."""
        self._half = max(1, limit // 2)
        self._young: dict[int, V] = {}
        self._old: dict[int, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: int) -> V | None:
        """Return what is held under ``key``, and hold it for longer."""
        found = self._young.get(key)
        if found is None:
            found = self._old.pop(key, None)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: int, value: V) -> None:
        """Hold ``value``."""
        if len(self._young) >= self._half and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def drop(self, key: int) -> bool:
        """Forget ``key``; tell whether it was held."""
        return (self._young.pop(key, None) or self._old.pop(key, None)) is not None


class Crowds:
    """The places of one site and the segments in them, by the hash of the page up to there."""

    def __init__(self, thresholds: Thresholds) -> None:
        """Judge by ``thresholds``."""
        self._at = thresholds
        self._rare: Recent[tuple[int, ...]] = Recent(CHILDREN_LIMIT)
        self.known: Recent[bool] = Recent(CHILDREN_LIMIT)
        """Segments that enough visitors asked for."""
        self._places: Recent[list[int]] = Recent(PLACES_LIMIT)
        self.settled: Recent[bool] = Recent(CHILDREN_LIMIT)
        """Pages of nothing but known segments: there is no more to count or to judge."""

    def note(self, place: int, child: int, visitors: Collection[int]) -> None:
        """Take in that ``visitors`` asked for ``child``, which is not known yet."""
        before = self._rare.get(child)
        seen = {*visitors} if before is None else {*before, *visitors}
        if before is not None and len(seen) == len(before):
            return
        counts = self._places.get(place)
        if counts is None:
            counts = [0, 0]
            self._places.put(place, counts)
        if len(seen) >= self._at.visitors:
            counts[0] -= self._rare.drop(child)
            counts[1] += 1
            self.known.put(child, value=True)
        else:
            counts[0] += before is None
            self._rare.put(child, tuple(seen))

    def is_crowded(self, place: int) -> bool:
        """Tell whether rare segments are not to be shown here."""
        counts = self._places.get(place)
        if counts is None or counts[0] <= self._at.children:
            return False
        return counts[0] >= self._at.share * sum(counts)


class Frequency:
    """Crowds of the sites seen last."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._sites: dict[str, tuple[Thresholds, Crowds]] = {}

    def __repr__(self) -> str:
        return "Frequency()"

    def forget(self) -> None:
        """Forget all that was seen."""
        self._sites.clear()

    def pages(
        self,
        site: str,
        thresholds: Thresholds,
        rows: pl.DataFrame,
        leading: Leading | None = None,
    ) -> pl.Series:
        """Return the page of each row with what is rare replaced.

        ``rows`` has page (String), visitor (UInt64) and status (String or null). ``leading`` says
        what is never replaced.
        """
        if not thresholds.enabled:
            return rows["page"]
        crowds = self._crowds(site, thresholds)
        codes, pages = distinct(rows["page"])
        named = [page or "" for page in pages]
        open_ = [at for at, page in enumerate(named) if crowds.settled.get(hash(page)) is None]
        if not open_:
            return rows["page"]
        visitors = _visitors(rows, codes, open_, thresholds.visitors)
        shown = _Walk(crowds, leading).shown({at: named[at] for at in open_}, visitors)
        if not shown:
            return rows["page"]
        return pl.Series("page", [shown.get(at, page) for at, page in enumerate(named)]).gather(
            codes
        )

    def _crowds(self, site: str, thresholds: Thresholds) -> Crowds:
        found = self._sites.pop(site, None)
        if found is None or found[0] != thresholds:
            found = (thresholds, Crowds(thresholds))
        self._sites[site] = found
        if len(self._sites) > SITES_LIMIT:
            del self._sites[next(iter(self._sites))]
        return found[1]


def _visitors(
    rows: pl.DataFrame, codes: pl.Series, open_: Sequence[int], most: int
) -> dict[int, Collection[int]]:
    """Return for each code of ``open_`` up to ``most`` visitors whose requests were answered."""
    answered = pl.col("status").lt(_REFUSED).fill_null(value=True)
    found = rows.lazy().select(codes.alias("code"), "visitor", "status").filter(answered)
    if len(open_) <= codes.len() // 8:
        found = found.filter(pl.col("code").is_in(open_))
    if most > _PAIR:
        several = pl.col("visitor").unique().head(most)
        return dict(found.group_by("code").agg(several).collect().iter_rows())
    # Whether there are two is quicker to tell than which there are.
    ends = (pl.col("visitor").min(), pl.col("visitor").max().alias("other"))
    pairs = found.group_by("code").agg(*ends).collect()
    return {code: (one,) if one == other else (one, other) for code, one, other in pairs.rows()}


class _Page:
    """A page on the way: ``place`` is the hash of what was walked, ``before`` one level less."""

    __slots__ = ("at", "before", "known", "parts", "place")

    def __init__(self, at: int, parts: list[str], known: int) -> None:
        self.at, self.parts, self.known = at, parts, known
        self.place = self.before = 0


class _Walk:
    """All pages of a batch, one level after another: a level is counted before it is judged."""

    def __init__(self, crowds: Crowds, leading: Leading | None) -> None:
        self._crowds = crowds
        self._leading = leading

    def shown(
        self, pages: Mapping[int, str], visitors: Mapping[int, Collection[int]]
    ) -> dict[int, str]:
        """Return those of ``pages`` that may not be shown as they are, and how they may."""
        crowds, leading = self._crowds, self._leading
        live: list[_Page] = []
        for at, text in pages.items():
            if text[:1] == "/":
                parts = text.partition("?")[0].split("/")
                live.append(_Page(at, parts, leading(parts[1:]) if leading else 0))
        unsettled: set[int] = set()
        changed: dict[int, list[str]] = {}
        level = 0
        while live:
            level += 1
            live = [page for page in live if len(page.parts) > level and page.parts[level]]
            for page, child in self._rare(live, level, visitors):
                if crowds.known.get(child) is not None:
                    continue
                unsettled.add(page.at)
                if crowds.is_crowded(page.before):
                    page.parts[level] = _RARE
                    page.place = hash((page.before, _RARE))
                    changed[page.at] = page.parts
        for at in pages.keys() - unsettled:
            crowds.settled.put(hash(pages[at]), value=True)
        return {
            at: "/".join(parts) + "".join(pages[at].partition("?")[1:])
            for at, parts in changed.items()
        }

    def _rare(
        self, live: Sequence[_Page], level: int, visitors: Mapping[int, Collection[int]]
    ) -> list[tuple[_Page, int]]:
        """Count a level; return the pages whose segment was not known before, with its hash."""
        known, note = self._crowds.known.get, self._crowds.note
        rare = []
        for page in live:
            child = page.parts[level]
            page.before = page.place
            page.place = key = hash((page.place, child))
            if child[0] != ":" and level > page.known and known(key) is None:
                rare.append((page, key))
                asked = visitors.get(page.at)
                if asked is not None:
                    note(page.before, key, asked)
        return rare
