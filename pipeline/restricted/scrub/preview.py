"""What the rules would do to a log: counts per rule and detector, never a value.

Values are remembered as hashes while a file is read, so memory grows with the number of distinct
targets, at some 100 bytes each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipeline.restricted import formats
from pipeline.restricted.distinct import Remembered
from pipeline.restricted.lines import text
from pipeline.restricted.scrub.detectors import DETECTORS, WIDE
from pipeline.restricted.scrub.pages import Pages
from pipeline.restricted.scrub.rules import Rewrite, read_rules
from pipeline.restricted.scrub.scrubber import CACHE_LIMIT, Scrubber
from pipeline.restricted.scrub.spelling import searchable
from pipeline.rows import DAY
from pipeline.settings import OwnFormat


@dataclass(frozen=True, slots=True)
class Touched:
    """``lines`` with, and distinct ``values`` in, something that ``name`` finds in ``field``."""

    name: str
    field: str
    lines: int
    values: int


@dataclass(frozen=True, slots=True)
class ScrubPreview:
    """Counts of a log.

    ``before`` are distinct paths, ``after`` distinct pages by the rules alone, ``shown`` those that
    are left where what is rare is replaced.
    """

    lines: int
    requests: int
    before: int
    after: int
    shown: int
    rules: tuple[Touched, ...]
    detectors: tuple[Touched, ...]


class ScrubPreviewer:
    """Reads a log, part after part; has no repr that says anything."""

    def __init__(
        self, rules: Path | None, site: str, format_: str, own: Mapping[str, OwnFormat]
    ) -> None:
        """Take a rules file (the packaged one where None); raises SettingsError."""
        self._site, self._format = site, format_
        self._known = formats.known(own)
        read = read_rules(rules)
        self._pages = Pages(Scrubber(read))
        self._names: set[str] = set()
        wrapped = {
            rewrite: self._telling(title, rewrite)
            for title, rewrite in zip(read.titles, read.rewrites, strict=True)
        }
        # The short cut asks no rule, so it could not tell which.
        traced = replace(
            read,
            rewrites=tuple(wrapped[rewrite] for rewrite in read.rewrites),
            across=tuple(wrapped[rewrite] for rewrite in read.across),
            plain=None,
            not_plain=None,
        )
        self._scrubber = Scrubber(traced)
        self._traced = Pages(self._scrubber)
        self._titles = read.titles
        self._said: Remembered[str, tuple[str, ...]] = Remembered(self._touching, CACHE_LIMIT)
        self._found: Remembered[str, tuple[str, ...]] = Remembered(_finding, CACHE_LIMIT)
        self._lines: Counter[tuple[str, str]] = Counter()
        self._values: dict[tuple[str, str], set[int]] = {}
        self._distinct: tuple[set[int], set[int], set[int]] = (set(), set(), set())
        self._read = self._requests = self._day = 0

    def __repr__(self) -> str:
        return "ScrubPreviewer()"

    def add(self, raw: bytes, now: int) -> None:
        """Read whole lines; ``now`` in seconds bounds how far ahead their times may lie."""
        lines = text(pl.Series("raw", raw.removesuffix(b"\n").split(b"\n"), dtype=pl.Binary))
        self._read += lines.len()
        rows = formats.parse(self._format, lines, formats.Context(now), among=self._known)
        rows = rows.filter(pl.col("reject").is_null())
        self._requests += rows.height
        for (day,), part in rows.group_by(pl.col("time") // DAY, maintain_order=True):
            if day != self._day:
                self._day = int(str(day))
                self._pages.forget()
            self._add(part)

    def found(self) -> ScrubPreview:
        """Return the counts so far."""
        before, after, shown = map(len, self._distinct)
        rules = (*self._titles, "names", "limits", "query")
        own = self._pages.at(self._site)
        site = sorted({rule.name for rule in own.rules}) if own else []
        return ScrubPreview(
            self._read,
            self._requests,
            before,
            after,
            shown,
            (
                *(self._touched(name, "path") for name in rules),
                *(self._touched(name, "site rule") for name in site),
                self._touched("frequency", "page"),
            ),
            tuple(
                self._touched(name, field)
                for field in ("target", "referrer")
                for name in DETECTORS
                if name not in WIDE  # what those touch shows with the rules
            ),
        )

    def _add(self, rows: pl.DataFrame) -> None:
        visitors = rows.select(pl.concat_str("address", pl.col("agent").fill_null("")))
        page = pl.Series("page", self._pages.many(self._site, rows["target"].to_list()))
        shown = self._pages.by_frequency(
            self._site, page, visitors.to_series().hash(), rows["status"]
        )
        before, after, left = self._distinct
        before.update(map(hash, rows["target"].str.split("?").list.first().unique().drop_nulls()))
        after.update(map(hash, page.unique()))
        left.update(map(hash, shown.unique()))
        self._count("page", page.filter(page != shown), lambda _: ("frequency",))
        self._count("path", rows["target"], self._said)
        self._count("site rule", rows["target"], self._by_site)
        self._count("target", rows["target"], self._found)
        self._count("referrer", rows["referrer"], self._found)

    def _count(self, field: str, column: pl.Series, names: Callable[[str], Iterable[str]]) -> None:
        for value, lines in column.drop_nulls().alias("value").value_counts().iter_rows():
            for name in names(value):
                self._lines[name, field] += lines
                self._values.setdefault((name, field), set()).add(hash(value))

    def _touched(self, name: str, field: str) -> Touched:
        values = self._values.get((name, field), ())
        return Touched(name, field, self._lines[name, field], len(values))

    def _by_site(self, target: str) -> set[str]:
        own = self._pages.at(self._site)
        return own.touching(target) if own else set()

    def _telling(self, title: str, rewrite: Rewrite) -> Rewrite:
        def tell(segment: str) -> str:
            after = rewrite(segment)
            if after != segment:
                self._names.add(title)
            return after

        return tell

    def _touching(self, target: str) -> tuple[str, ...]:
        self._names.clear()
        own = self._traced.at(self._site)
        page = own.page(target) if own else self._scrubber.page(target)
        return (*self._names, *_besides(target, page))


def _besides(target: str, page: str) -> Iterator[str]:
    if "?" in target:
        yield "query"
    if ":name" in page:
        yield "names"
    if page.endswith("/:more"):
        yield "limits"


def _finding(value: str) -> tuple[str, ...]:
    plain = searchable(value)
    return tuple(
        name for name, detector in DETECTORS.items() if name not in WIDE and detector.is_in(plain)
    )
