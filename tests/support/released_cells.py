"""Released cells drawn at random, put into an engine, and counted again the slow way.

``Cells`` holds rows as they were released: revisions that a newer one replaces, two ingests that
add up, values under ``(other)``, roles of which some are not shown.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from clickhouse_connect.driver.client import Client

OTHER: Final = "(other)"
Row = dict[str, Any]
COUNTS: Final = ("hits", "bytes", "visitors", "seconds")
_COLUMNS: Final = {
    "traffic": ("site", "window_start", "audience", "hits", "bytes", "visitors"),
    "segment": ("site", "window_start", "segment", "hits", "bytes", "visitors"),
    "health": (
        "site", "window_start", "minutes", "segment", "status_class", "hits", "bytes", "visitors",
    ),
    "response_time": (
        "site", "window_start", "minutes", "segment", "status_class", "response_time", "hits",
        "visitors",
    ),
    "segment_breakdown": (
        "site", "window_start", "segment", "dimension", "value", "hits", "visitors",
    ),
    "pair": (
        "site", "window_start", "segment", "dimension", "value", "across", "across_value", "hits",
        "visitors", "seconds",
    ),
}  # fmt: skip
VALUES: Final = {
    "page": ["/", "/a", "/b", "/docs/a.pdf", "/docs/b.ZIP", OTHER],
    "referrer_kind": ["search", "direct", "ai", OTHER],
    "browser": ["Firefox", "Chrome", OTHER],
    "country": ["DE", "AT", OTHER],
    "device": ["mobile", "desktop"],
    "status": ["200", "304", "404", "500", OTHER],
    "response_time": ["0-0.005 s", "0.25-0.5 s"],
}
ROLES: Final = ("bounce", "entry", "between", "exit")


class Cells:
    """Rows by table, without ``_revisions``."""

    def __init__(self, seed: int = 1) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self._random = random.Random(seed)

    def add(self, table: str, **row: object) -> None:
        """Add a released row."""
        base = table.rpartition("_")[0]
        whole = dict.fromkeys(_COLUMNS[base], 0) | {"ingest": "live", "revision": 1} | row
        self.rows[table].append(whole)

    def draw(
        self, site: str, first: dt.date, days: int, *, hours_from: dt.date | None = None
    ) -> None:
        """Draw days of a site, and hours instead from ``hours_from`` on."""
        for number in range(days):
            day = first + dt.timedelta(days=number)
            if hours_from is not None and day >= hours_from:
                for hour in range(0, 24, 5):
                    self._window("hourly", site, _utc(day, hour))
                continue
            self._window("daily", site, _utc(day))
            self._pairs(site, _utc(day))

    def _window(self, pace: str, site: str, window: dt.datetime) -> None:
        at: Row = {"site": site, "window_start": window}
        for audience in ("human", "bot"):
            self._released(f"traffic_{pace}", at | {"audience": audience})
        for segment in ("view", "request", "failed", "bot"):
            self._released(f"segment_{pace}", at | {"segment": segment})
            for dimension, values in VALUES.items():
                for value in values:
                    self._released(
                        f"segment_breakdown_{pace}",
                        at | {"segment": segment, "dimension": dimension, "value": value},
                        often=0.7,
                    )

    def _pairs(self, site: str, window: dt.datetime) -> None:
        at: Row = {"site": site, "window_start": window, "segment": "view"}
        for dimension, values in (("segment", ["view"]), *VALUES.items()):
            for value in values:
                for role in (*ROLES, OTHER):
                    self._released(
                        "pair_daily",
                        at | {"dimension": dimension, "value": value, "across": "role",
                              "across_value": role},
                        often=0.4 if role == OTHER else 0.8,
                        seconds=role == "entry",
                    )  # fmt: skip
        for first, across, others in (
            ("page", "referrer_kind", VALUES["referrer_kind"]),
            ("page", "next_page", VALUES["page"]),
            ("country", "device", VALUES["device"]),
        ):
            for value in VALUES[first]:
                for other in others:
                    self._released(
                        "pair_daily",
                        at | {"dimension": first, "value": value, "across": across,
                              "across_value": other},
                        often=0.6,
                    )  # fmt: skip
        lengths: Row = {"dimension": "segment", "value": "view", "across": "visit_length"}
        for length in ("0-10 s", "1-3 min"):
            self._released("pair_daily", at | lengths | {"across_value": length})

    def _released(self, table: str, row: Row, *, often: float = 1.0, seconds: bool = False) -> None:
        """Add a row of one or two ingests, at times with the revisions before it."""
        for ingest in ("live", "old-1"):
            if self._random.random() > (often if ingest == "live" else 0.2):
                continue
            for revision in range(1, self._random.choice((2, 2, 3))):
                counts: Row = {name: self._random.randint(10, 500) for name in COUNTS}
                counts["seconds"] = self._random.randint(10, 5000) if seconds else 0
                columns = _COLUMNS[table.rpartition("_")[0]]
                own = {name: value for name, value in counts.items() if name in columns}
                self.add(table, **row, **own, ingest=ingest, revision=revision)

    def insert(self, client: Client) -> None:
        """Put all rows into the tables; each revision apart, since an insert keeps the newest."""
        for table, rows in self.rows.items():
            for revision in sorted({row["revision"] for row in rows}):
                client.insert(
                    f"analytics.{table}_revisions",
                    [list(row.values()) for row in rows if row["revision"] == revision],
                    column_names=list(rows[0]),
                )

    def newest(self, table: str, where: Callable[[Row], bool]) -> list[Row]:
        """Return the rows that count, of both ingests, one by one."""
        best: dict[tuple[object, ...], Row] = {}
        for row in self.rows[table]:
            key = tuple(v for k, v in row.items() if k not in {*COUNTS, "revision"})
            if key not in best or row["revision"] > best[key]["revision"]:
                best[key] = row
        return [row for row in best.values() if where(row)]


def _utc(day: dt.date, hour: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def summed(rows: Iterable[Row], column: str) -> int:
    """Return the sum of a column."""
    return sum(row[column] for row in rows)


def by(rows: Iterable[Row], *columns: str) -> dict[tuple[str, ...], list[Row]]:
    """Return rows in groups of equal values."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(str(row[column]) for column in columns)].append(row)
    return found
