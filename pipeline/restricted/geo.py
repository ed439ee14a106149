"""Address → country, place, provider and data centre, from optional files that may be replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import maxminddb

from pipeline.clock import Stopwatch, stopwatch
from pipeline.metrics import REFUSED_DATABASES
from pipeline.restricted.datacentres import read_datacentres
from pipeline.restricted.distinct import Remembered
from pipeline.restricted.georecords import UNKNOWN, country_of, place_of, provider_of
from pipeline.restricted.mmdb import lookup, open_mmdb
from pipeline.restricted.replaced import Replaced
from pipeline.settings import Places

CACHE_LIMIT: Final = 400_000
"""Distinct addresses remembered."""


class Place(NamedTuple):
    """What is said of one address."""

    country: str
    place: str
    """Region or city within the country, as the settings want it."""
    provider: str
    hosted: bool
    """Whether the address is a data centre's."""


NOWHERE: Final = Place(UNKNOWN, UNKNOWN, UNKNOWN, hosted=False)


class Geo:
    """Looks addresses up; remembers at most ``cache_limit`` of them until a file is replaced."""

    def __init__(
        self,
        country: Path | None = None,
        asn: Path | None = None,
        datacentres: Path | None = None,
        *,
        places: Places = "none",
        check_seconds: float = 10.0,
        clock: Stopwatch = stopwatch,
        cache_limit: int = CACHE_LIMIT,
    ) -> None:
        """Open the files there are; one that cannot be read raises SettingsError.

        ``places``: which of them the country's file is asked for. ``clock`` gives seconds; the
        files are looked at no more often than ``check_seconds``.
        """
        self._country = _mmdb(country)
        self._wanted: Final = places
        self._asn = _mmdb(asn)
        self._datacentres = _networks(datacentres)
        found = (self._country, self._asn, self._datacentres)
        self._files = [file for file in found if file is not None]
        self._check_seconds = check_seconds
        self._clock = clock
        self._checked = clock()
        self._places: dict[Place, Place] = {}
        self._remembered: Remembered[str, Place] = Remembered(self._read, cache_limit)

    def many(self, addresses: Sequence[str]) -> list[Place]:
        """Return the place of each canonical address, in order."""
        self.refresh()
        return self._remembered.many(addresses)

    def forget(self) -> None:
        """Forget the addresses remembered."""
        self._remembered.clear()

    @property
    def knows_something(self) -> bool:
        """Whether there is a file at all; without one there is nothing to look up."""
        return bool(self._files)

    def refresh(self) -> None:
        """Take up files that were replaced; the metric counts those that cannot be read."""
        now = self._clock()
        if now - self._checked < self._check_seconds:
            return
        self._checked = now
        # A list, since each has to be tried.
        if any([file.reload() for file in self._files]):  # noqa: C419
            self._remembered.clear()
            self._places.clear()
        REFUSED_DATABASES.set(sum(file.refused is not None for file in self._files))

    def _read(self, address: str) -> Place:
        record = _record(self._country, address)
        country = country_of(record)
        place = Place(
            country,
            place_of(record, country, self._wanted),
            provider_of(_record(self._asn, address)),
            self._datacentres is not None and self._datacentres.content(address),
        )
        # One tuple a place, not one an address: many addresses share few places.
        return self._places.setdefault(place, place)


def _mmdb(path: Path | None) -> Replaced[maxminddb.Reader] | None:
    return None if path is None else Replaced(path, open_mmdb, wanted="an MMDB file")


def _networks(path: Path | None) -> Replaced[Callable[[str], bool]] | None:
    if path is None:
        return None
    return Replaced(
        path, read_datacentres, wanted="an MMDB file, or a text with one network a line"
    )


def _record(file: Replaced[maxminddb.Reader] | None, address: str) -> object:
    return None if file is None else lookup(file.content, address)
