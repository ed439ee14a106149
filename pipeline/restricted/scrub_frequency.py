"""What detectors miss: rare segments in places that have very many become ``:id``.

A place is a page up to a slash. It is crowded where more than so many of its segments were each
seen by one visitor, and these are nearly all it has: a gallery by nicknames, not a catalogue. In a
crowded place a segment stays once a second visitor has asked for it.

The memory holds hashes of text, never text; it is bounded, of one process, and forgotten each day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Generic, Self, TypeVar

import polars as pl

from pipeline.errors import SettingsError
from pipeline.restricted.distinct import distinct

SITES_LIMIT: Final = 32
"""Sites remembered at a time."""
CHILDREN_LIMIT: Final = 20_000
"""Segments of a site remembered, of those that are rare and of those that are not."""
PLACES_LIMIT: Final = 5_000
"""Places of a site remembered."""

_RARE: Final = ":id"
_REFUSED: Final = "400"
"""Statuses from here on: what is not there does not make a place crowded, so a scanner cannot."""
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
        whole = all(type(count) is int and count > 0 for count in counts)
        share = isinstance(made.share, int | float) and 0 <= made.share <= 1
        if not (whole and share and isinstance(made.enabled, bool)):
            raise SettingsError(
                f"scrubbing rules, {where}: children and visitors are whole numbers from 1, share "
                "is between 0 and 1, enabled true or false"
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
    """The places of one site."""

    def __init__(self, thresholds: Thresholds) -> None:
        """Judge by ``thresholds``."""
        self._at = thresholds
        self._rare: Recent[tuple[int, ...]] = Recent(CHILDREN_LIMIT)
        self._known: Recent[bool] = Recent(CHILDREN_LIMIT)
        self._places: Recent[list[int]] = Recent(PLACES_LIMIT)

    def note(self, place: str, child: str, visitors: Iterable[int]) -> None:
        """Take in that ``visitors`` asked for ``child``."""
        key = hash((place, child))
        if self._known.get(key):
            return
        before = self._rare.get(key)
        seen = {*(before or ()), *visitors}
        counts = self._places.get(hash(place))
        if counts is None:
            counts = [0, 0]
            self._places.put(hash(place), counts)
        if len(seen) >= self._at.visitors:
            counts[0] -= self._rare.drop(key)
            counts[1] += 1
            self._known.put(key, value=True)
        else:
            counts[0] += before is None
            self._rare.put(key, tuple(seen))

    def is_crowded(self, place: str) -> bool:
        """Tell whether rare segments are not to be shown here."""
        counts = self._places.get(hash(place))
        if counts is None or counts[0] <= self._at.children:
            return False
        return counts[0] >= self._at.share * sum(counts)

    def is_known(self, place: str, child: str) -> bool:
        """Tell whether enough visitors asked for ``child``."""
        return self._known.get(hash((place, child))) is not None


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
        leading: Leading = lambda _: 0,
    ) -> pl.Series:
        """Return the page of each row with what is rare replaced.

        ``rows`` has page (String), visitor (UInt64) and status (String or null). ``leading`` says
        what is never replaced.
        """
        if not thresholds.enabled:
            return rows["page"]
        crowds = self._crowds(site, thresholds)
        codes, pages = distinct(rows["page"])
        found = rows.lazy().select(codes.alias("code"), "visitor", "status")
        found = found.filter(pl.col("status").lt(_REFUSED).fill_null(value=True))
        seen = found.group_by("code").agg(pl.col("visitor").unique().head(thresholds.visitors))
        visitors = dict(seen.collect().iter_rows())
        shown = _Walk(crowds, leading).shown([page or "" for page in pages], visitors)
        return rows["page"] if shown is None else pl.Series("page", shown).gather(codes)

    def _crowds(self, site: str, thresholds: Thresholds) -> Crowds:
        found = self._sites.pop(site, None)
        if found is None or found[0] != thresholds:
            found = (thresholds, Crowds(thresholds))
        self._sites[site] = found
        if len(self._sites) > SITES_LIMIT:
            del self._sites[next(iter(self._sites))]
        return found[1]


class _Walk:
    """All pages of a batch, one level after another: a level is counted before it is judged."""

    def __init__(self, crowds: Crowds, leading: Leading) -> None:
        self._crowds = crowds
        self._leading = leading

    def shown(
        self, pages: Sequence[str], visitors: dict[int, Collection[int]]
    ) -> list[str] | None:
        """Return the pages as they may be shown, None where all stay as they are."""
        crowds = self._crowds
        parts = [page.partition("?")[0].split("/") for page in pages]
        known = [self._leading(part[1:]) for part in parts]
        live = [at for at, page in enumerate(pages) if page.startswith("/")]
        places = [""] * len(pages)
        level, changed = 0, False
        while live:
            level += 1
            live = [at for at in live if len(parts[at]) > level and parts[at][level]]
            open_ = [at for at in live if level > known[at] and parts[at][level][0] != ":"]
            for at in open_:
                if at in visitors:
                    crowds.note(places[at], parts[at][level], visitors[at])
            crowded = {p for p in {places[at] for at in open_} if crowds.is_crowded(p)}
            if crowded:
                for at in open_:
                    if places[at] in crowded and not crowds.is_known(places[at], parts[at][level]):
                        parts[at][level] = _RARE
                        changed = True
            for at in live:
                places[at] += "/" + parts[at][level]
        if not changed:
            return None
        queries = (page.partition("?") for page in pages)
        return ["/".join(p) + mark + q for p, (_, mark, q) in zip(parts, queries, strict=True)]
