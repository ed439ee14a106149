"""A site's own clock, by which its hours and days are cut.

Past the rollup, the time of a window is what the clock on the site's wall shows, written as seconds
since 1970 as if that clock stood in UTC: whatever cuts hours and days need not know of zones. The
hour that comes twice when clocks go back is one hour there, of twice the length; the hour that they
skip is empty.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo, available_timezones

from pipeline.clock import EVER, Clock
from pipeline.errors import SettingsError
from pipeline.labels import WIDGET_SUFFIX

UTC: Final = "UTC"
_NO_PLACES: Final = {"Factory", "localtime"}
_MONTHS: Final = 12
_A_MONTH: Final = 2_629_746  # a twelfth of the Gregorian year of 365.2425 days
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Zones:
    """The zone of each site (IANA): that of ``by_site``, else ``usual``."""

    usual: str = UTC
    by_site: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def named(cls, usual: str, by_site: Mapping[str, str]) -> Self:
        """Return zones as the settings ``windows`` name them; raises SettingsError."""
        for site in by_site:
            if site.endswith(WIDGET_SUFFIX):
                raise SettingsError(
                    f"setting windows.zones.{site}: a widget's clock is its site's; put it under "
                    f"{site.removesuffix(WIDGET_SUFFIX)}"
                )
        for name, setting in ((usual, "zone"), *((z, f"zones.{s}") for s, z in by_site.items())):
            if not is_zone(name):
                raise SettingsError(
                    f"setting windows.{setting}: {name} is no time zone; name one such as "
                    "Europe/Berlin or UTC"
                )
        return cls(usual, dict(by_site))

    def of(self, site: str) -> str:
        """Return the zone of a site; its chat widget's is the same."""
        return self.by_site.get(site.removesuffix(WIDGET_SUFFIX), self.usual)

    def differing(self, sites: Iterable[str]) -> dict[str, str]:
        """Return the zone of each of the sites where it is not UTC."""
        return {site: self.of(site) for site in sites if self.of(site) != UTC}

    def every(self) -> set[str]:
        """Return all zones there are."""
        return {self.usual, *self.by_site.values()}


ALL_UTC: Final = Zones()


@lru_cache(maxsize=1_000)
def reading(moment: int, zone: str) -> int:
    """Return what the zone's clock shows at ``moment`` (seconds since 1970 UTC), in seconds."""
    if zone == UTC or moment >= EVER:
        return moment
    there = dt.datetime.fromtimestamp(moment, ZoneInfo(zone))
    return int(there.replace(tzinfo=dt.UTC).timestamp())


def days(first: int, last: int, zone: str) -> range:
    """Return the days (since 1970) that the zone's clock shows between two moments, both within."""
    return range(reading(first, zone) // _DAY, reading(last, zone) // _DAY + 1)


def offsets(zones: Iterable[str], now: int) -> tuple[int, int]:
    """Return the least and greatest offset (seconds) from UTC in the year from ``now``."""
    moments = [now // _DAY * _DAY + month * _A_MONTH for month in range(_MONTHS)]
    found = [reading(moment, zone) - moment for zone in zones for moment in moments]
    return min(found), max(found)


def clock(now: Clock, zone: str) -> Clock:
    """Return a clock that shows the zone's time, marked as UTC like all times of windows."""

    def show() -> dt.datetime:
        moment = now()
        second = int(moment.timestamp())
        return moment + dt.timedelta(seconds=reading(second, zone) - second)

    return show


def is_zone(name: object) -> bool:
    """Tell whether there is a time zone of that name (IANA)."""
    return name == UTC or (isinstance(name, str) and name in _known())


@cache
def _known() -> set[str]:
    return available_timezones() - _NO_PLACES
