"""Released rows, put into the tables as the loader does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client

Cells = dict[str, int]
"""Value → hits; visitors are half of them."""


@dataclass(frozen=True, slots=True)
class Released:
    """Gathers rows of a site's days (or hours, where ``at`` is one) until they are written."""

    client: Client
    site: str = "shop"
    ingest: str = "live"
    _gathered: dict[tuple[str, str], list[list[object]]] = field(default_factory=dict)

    def write(self) -> None:
        """Put what was gathered into the tables."""
        for (table, columns), rows in self._gathered.items():
            names = ["site", "window_start", *columns.split(), "ingest", "revision"]
            self.client.insert(f"analytics.{table}_revisions", rows, names)
        self._gathered.clear()

    def segments(self, at: dt.datetime, *, hourly: bool = False, **hits: int) -> None:
        """Add segments, a byte and half a visitor a hit; people's together are the traffic."""
        unit = "hourly" if hourly else "daily"
        rows = [[self.site, at, name, n, n, n // 2] for name, n in hits.items()]
        self._insert(f"segment_{unit}", "segment hits bytes visitors", rows)
        people = sum(n for name, n in hits.items() if name != "bot")
        self.traffic(at, hourly=hourly, human=people, bot=hits.get("bot", 0))

    def traffic(self, at: dt.datetime, *, hourly: bool = False, **hits: int) -> None:
        """Add the traffic of audiences; one without hits gets no row."""
        unit = "hourly" if hourly else "daily"
        rows = [[self.site, at, name, n, n, n // 2] for name, n in hits.items() if n]
        self._insert(f"traffic_{unit}", "audience hits bytes visitors", rows)

    def breakdown(self, at: dt.datetime, segment: str, dimension: str, cells: Cells) -> None:
        """Add a segment's daily cells of a dimension, and those of all segments."""
        rows = [[self.site, at, segment, dimension, v, n, n // 2] for v, n in cells.items()]
        self._insert("segment_breakdown_daily", "segment dimension value hits visitors", rows)
        rows = [[self.site, at, dimension, v, n, n // 2] for v, n in cells.items()]
        self._insert("breakdown_daily", "dimension value hits visitors", rows)

    def pairs(
        self,
        at: dt.datetime,
        segment: str,
        dimension: str,
        across: str,
        cells: dict[tuple[str, str], int],
        seconds: int = 0,
    ) -> None:
        """Add pairs of a day; ``seconds`` is the length of every row's visits."""
        rows = [
            [self.site, at, segment, dimension, value, across, to, n, n // 2, seconds]
            for (value, to), n in cells.items()
        ]
        columns = "segment dimension value across across_value hits visitors seconds"
        self._insert("pair_daily", columns, rows)

    def step(self, at: dt.datetime, minutes: int, segment: str, kind: str, hits: int) -> None:
        """Add a step of minutes of one class of status."""
        row: list[object] = [self.site, at, minutes, segment, kind, hits, hits, hits // 2]
        columns = "minutes segment status_class hits bytes visitors"
        self._insert("health_minute", columns, [row])

    def step_times(
        self, at: dt.datetime, minutes: int, segment: str, kind: str, ranges: dict[str, int]
    ) -> None:
        """Add how long the answers of a step took."""
        rows: list[list[object]] = [
            [self.site, at, minutes, segment, kind, name, n, n // 2] for name, n in ranges.items()
        ]
        columns = "minutes segment status_class response_time hits visitors"
        self._insert("response_time_minute", columns, rows)

    def _insert(self, table: str, columns: str, rows: list[list[object]]) -> None:
        if rows:
            found = self._gathered.setdefault((table, columns), [])
            found += [[*row, self.ingest, 1] for row in rows]


def roles(view: dict[str, int]) -> dict[tuple[str, str], int]:
    """Return the cells of a site's own roles."""
    return {("view", role): hits for role, hits in view.items()}
