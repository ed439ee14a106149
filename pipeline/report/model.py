"""What a report shows: released rows, and the account of every line behind them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.policy import shortfall
from pipeline.zones import UTC


@dataclass(frozen=True, slots=True)
class Traffic:
    """A row of ``traffic_hourly`` or ``traffic_daily``; ``start`` is marked as UTC."""

    site: str
    start: dt.datetime
    audience: str
    hits: int
    bytes: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A row of ``breakdown_hourly`` or ``breakdown_daily``; ``start`` is marked as UTC."""

    site: str
    start: dt.datetime
    dimension: str
    value: str
    hits: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of a site over all time; a rate is None where it cannot be told.

    ``visit_duration`` is in seconds. ``entries`` and ``exits``: pages that visits began and ended
    at, the commonest first.
    """

    site: str
    visits: int
    bounce_rate: float | None
    views_per_visit: float | None
    visit_duration: float | None
    entries: tuple[tuple[str, int], ...] = ()
    exits: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The four views over all time, each ordered by time, site, then audience or hits.

    ``visits`` are of the sites of which some were released. All times are what the clock of
    ``zone`` (IANA) shows, marked as UTC.
    """

    traffic_daily: tuple[Traffic, ...]
    traffic_hourly: tuple[Traffic, ...]
    breakdown_daily: tuple[Breakdown, ...]
    breakdown_hourly: tuple[Breakdown, ...]
    visits: tuple[Visits, ...] = ()
    zone: str = UTC

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites that have released traffic, sorted."""
        return tuple(sorted({row.site for row in (*self.traffic_daily, *self.traffic_hourly)}))

    @property
    def released_hits(self) -> int:
        """Hits of all released days."""
        return sum(row.hits for row in self.traffic_daily)

    @property
    def released_bytes(self) -> int:
        """Bytes of all released days."""
        return sum(row.bytes for row in self.traffic_daily)

    @property
    def period(self) -> tuple[dt.datetime, dt.datetime] | None:
        """Start of the first released window and end of the last; None where none is released.

        A day counts whole only where none of its hours was released.
        """
        told = {(row.site, row.start.date()) for row in self.traffic_hourly}
        spans = [(row.start, row.start + dt.timedelta(hours=1)) for row in self.traffic_hourly]
        spans += [
            (row.start, row.start + dt.timedelta(days=1))
            for row in self.traffic_daily
            if (row.site, row.start.date()) not in told
        ]
        if not spans:
            return None
        return min(start for start, _ in spans), max(end for _, end in spans)


@dataclass(frozen=True, slots=True)
class Account:
    """Where every line went. ``lines`` = ``events`` + ``rejected`` + ``ignored``.

    ``reasons`` counts rejected lines by reason, ``withheld_hits`` the hits that no released
    number stands for, ``records`` and ``segments`` what lies sealed in the vault; ``k`` is the
    fewest distinct visitors behind any released number, ``promised`` the policy's k.
    """

    lines: int
    events: int
    rejected: int
    ignored: int
    withheld_hits: int
    records: int
    segments: int
    k: int
    promised: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def anonymous(self) -> bool:
        """True where k is what the policy promises or more, and not 1."""
        return self.lacking is None

    @property
    def lacking(self) -> str | None:
        """What the numbers lack of what the policy promises, in words; None where nothing."""
        return shortfall(self.k, self.promised)
