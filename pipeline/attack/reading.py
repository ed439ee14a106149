"""Reads the tables as an analyst may: every revision that is left, and the views; then again."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pipeline.attack.numbers import STEP, Number, number
from pipeline.clickhouse.queries import QueryFn, Row
from pipeline.errors import UsageError

_REVISIONS: Final = "_revisions"
_COLUMNS: Final = """
SELECT table, name FROM system.columns
WHERE database = 'analytics' AND endsWith(table, '_revisions') ORDER BY table, position
"""
_COUNTS: Final = ("hits", "visitors", "bytes", "seconds")
_NOT_READ: Final = frozenset({"released_at", "window_start"})
PAGE: Final = 200_000
"""Rows asked for at a time; an engine refuses to answer with more than a million."""
_TIMES: Final = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """The numbers of some days, and what two ways of asking said differently.

    ``settled`` is false where each time of asking brought numbers that the one before had not.
    """

    numbers: list[Number]
    differing: list[str]
    settled: bool


@dataclass(slots=True)
class Tables:
    """The tables of revisions that can be read, by the name of their view, and their columns."""

    query: QueryFn
    columns: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def found(cls, query: QueryFn) -> Tables:
        """Look the tables up; raises UsageError where there are none, and what ``query`` raises."""
        tables = cls(query)
        for row in query(_COLUMNS):
            name = str(row["table"]).removesuffix(_REVISIONS)
            tables.columns.setdefault(name, []).append(str(row["name"]))
        if not tables.columns:
            raise UsageError(
                "there are no released tables here: name the folder of `partywall up` or of "
                "`partywall report --data` with --data, or the server by clickhouse.url"
            )
        return tables

    def days(self, kept_since: int) -> Iterator[list[str]]:
        """Yield dates (``YYYY-MM-DD``) in batches of about a page of rows.

        A day is left out, of all ingests and sites, of which a row arrived before ``kept_since``
        (seconds since 1970): others of it may be past their retention and gone.
        """
        sizes: dict[str, int] = defaultdict(int)
        for table in self.columns:
            for row in self.query(
                "SELECT toString(toDate(window_start)) AS date, count() AS rows, "  # noqa: S608 -- names of ours
                f"toUnixTimestamp(min(released_at)) AS since FROM analytics.{table}{_REVISIONS} "
                "GROUP BY date"
            ):
                date = str(row["date"])
                sizes[date] += int(str(row["rows"]))
                if int(str(row["since"])) < kept_since:
                    sizes[date] = -(1 << 62)
        batch: list[str] = []
        rows = 0
        for date in sorted(date for date, size in sizes.items() if size > 0):
            if batch and rows + sizes[date] > PAGE:
                yield batch
                batch, rows = [], 0
            batch.append(date)
            rows += sizes[date]
        if batch:
            yield batch

    def read(self, dates: list[str]) -> Batch:
        """Return the numbers of some dates, asked until two times agree.

        The engine may merge older revisions away in between; what was read once is known.
        """
        numbers = self._numbers(dates)
        settled, differing = False, list[str]()
        for _ in range(_TIMES):
            again = self._numbers(dates)
            differing = self._differing(dates, again)
            settled = again <= numbers
            numbers |= again
            if settled and not differing:
                break
        return Batch(list(numbers), differing, settled)

    def _numbers(self, dates: list[str]) -> set[Number]:
        return {
            number(table, row)
            for table, columns in self.columns.items()
            for row in self._rows(f"{table}{_REVISIONS}", _asked(columns), dates)
        }

    def _differing(self, dates: list[str], numbers: set[Number]) -> list[str]:
        """Return the views that say something else than the newest revisions, all ingests added."""
        newest: dict[tuple[object, ...], Number] = {}
        for one in numbers:
            held = newest.get((one.ingest, *_key(one)))
            if held is None or held.revision < one.revision:
                newest[one.ingest, *_key(one)] = one
        sums: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
        for one in newest.values():
            sums[_key(one)][0] += one.hits
            sums[_key(one)][1] += one.visitors
        told: dict[tuple[object, ...], list[int]] = {}
        for table, columns in self.columns.items():
            shown = [name for name in _asked(columns) if name not in {"ingest", "revision"}]
            for row in self._rows(table, shown, dates):
                one = number(table, {**row, "ingest": "", "revision": 0})
                told[_key(one)] = [one.hits, one.visitors]
        if told == sums:
            return []
        wrong = [key for key in told.keys() | sums.keys() if told.get(key) != sums.get(key)]
        return sorted(f"{_said(key)}: the view is not the sum of the revisions" for key in wrong)

    def _rows(self, table: str, columns: list[str], dates: list[str]) -> Iterator[Row]:
        """Yield the rows of a table or view, page by page."""
        asked = ", ".join(columns)
        keys = ", ".join(name for name in columns if name not in _COUNTS)
        days = ", ".join(f"toDate('{date}')" for date in dates)
        for offset in range(0, 1 << 40, PAGE):
            rows = self.query(
                f"SELECT toUnixTimestamp(window_start) AS start, {asked} FROM analytics.{table} "  # noqa: S608 -- names of ours
                f"WHERE toDate(window_start) IN ({days}) "
                f"ORDER BY start, {keys} LIMIT {PAGE} OFFSET {offset}"
            )
            yield from rows
            if len(rows) < PAGE:
                return


def _asked(columns: list[str]) -> list[str]:
    return [name for name in columns if name not in _NOT_READ]


def _key(one: Number) -> tuple[object, ...]:
    """Return what tells a cell of a view from others."""
    return (
        one.site,
        one.start,
        one.hourly,
        one.segment,
        one.dimension,
        one.value,
        one.across,
        one.across_value,
    )


def _said(key: tuple[object, ...]) -> str:
    site, start, hourly, *cell = key
    moment = dt.datetime.fromtimestamp(int(str(start)), dt.UTC)
    when = f"{moment:%Y-%m-%d %H:%M}" if hourly or STEP in cell else f"{moment:%Y-%m-%d}"
    return " ".join(str(part) for part in (site, when, *cell) if part)
