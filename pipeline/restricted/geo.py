"""Address → country and provider, from two optional MMDB files that may be replaced at any time.

Each file is copied before it is mapped: a mapped file that somebody truncates kills the process,
and a copy without a name costs nothing but page cache.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import maxminddb

from pipeline.clock import Stopwatch, stopwatch
from pipeline.errors import SettingsError
from pipeline.logs import get
from pipeline.metrics import REFUSED_DATABASES
from pipeline.restricted.distinct import Remembered

UNKNOWN: Final = "(unknown)"
CACHE_LIMIT: Final = 400_000
"""Distinct addresses remembered."""

_log = get("geo")
_LONGEST_NAME: Final = 64
_CODE_LENGTH: Final = 2

Stamp = tuple[int, int, int]
"""Device-independent identity of a file's content: inode, modification time (ns), size."""


@dataclass(slots=True)
class _Database:
    """One MMDB file: the reader in use, and the file it came from."""

    path: Path
    stamp: Stamp = (0, 0, 0)
    refused: Stamp | None = None
    reader: maxminddb.Reader | None = field(default=None, repr=False)

    def load(self) -> None:
        """Open the file as it is now; raises OSError or InvalidDatabaseError."""
        stamp = self.current()
        with tempfile.NamedTemporaryFile(suffix=".mmdb") as copy:
            with self.path.open("rb") as source:
                shutil.copyfileobj(source, copy)
            copy.flush()
            reader = maxminddb.open_database(copy.name)
        reader.get("192.0.2.1")  # a damaged tree shows on the first walk
        self.reader, self.stamp, self.refused = reader, stamp, None

    def current(self) -> Stamp:
        """Return the stamp of the file on disk."""
        found = self.path.stat()
        return (found.st_ino, found.st_mtime_ns, found.st_size)


_DAMAGE: Final = (OSError, maxminddb.InvalidDatabaseError, ValueError, UnicodeDecodeError)


class Geo:
    """Looks addresses up; remembers at most ``cache_limit`` of them until a file is replaced."""

    def __init__(
        self,
        country: Path | None = None,
        asn: Path | None = None,
        *,
        check_seconds: float = 10.0,
        clock: Stopwatch = stopwatch,
        cache_limit: int = CACHE_LIMIT,
    ) -> None:
        """Open the files there are; one that cannot be read raises SettingsError.

        ``clock`` gives seconds; the files are looked at no more often than ``check_seconds``.
        """
        self._country = _open(country)
        self._asn = _open(asn)
        self._check_seconds = check_seconds
        self._clock = clock
        self._checked = clock()
        self._places: dict[tuple[str, str], tuple[str, str]] = {}
        self._remembered: Remembered[str, tuple[str, str]] = Remembered(self._read, cache_limit)

    def many(self, addresses: Sequence[str]) -> list[tuple[str, str]]:
        """Return (country code, provider) of each canonical address, in order."""
        self.refresh()
        return self._remembered.many(addresses)

    def forget(self) -> None:
        """Forget the addresses remembered."""
        self._remembered.clear()

    @property
    def knows_something(self) -> bool:
        """Whether there is a database at all; without one there is nothing to look up."""
        return self._country is not None or self._asn is not None

    def refresh(self) -> None:
        """Take up files that were replaced.

        A damaged file leaves the one before in use and is tried again once it changes. The log
        names it once, and the metric counts it until then.
        """
        now = self._clock()
        if now - self._checked < self._check_seconds:
            return
        self._checked = now
        databases = [base for base in (self._country, self._asn) if base is not None]
        # A list, since each has to be tried.
        if any([_reload(base) for base in databases]):  # noqa: C419
            self._remembered.clear()
            self._places.clear()
        REFUSED_DATABASES.set(sum(base.refused is not None for base in databases))

    def _read(self, address: str) -> tuple[str, str]:
        place = _country(_get(self._country, address)), _provider(_get(self._asn, address))
        # One tuple a place, not one an address: many addresses share few places.
        return self._places.setdefault(place, place)


def _open(path: Path | None) -> _Database | None:
    if path is None:
        return None
    base = _Database(path)
    try:
        base.load()
    except _DAMAGE as error:
        raise SettingsError(
            f"address database {path}: cannot be read; give an MMDB file"
        ) from error
    return base


def _reload(base: _Database) -> bool:
    try:
        stamp = base.current()
    except OSError:
        # Gone, perhaps between removal and renaming: go on with what is mapped.
        return False
    if stamp == base.stamp:
        base.refused = None
        return False
    if stamp == base.refused:
        return False
    try:
        base.load()
    except _DAMAGE:
        base.refused = stamp
        _log.warning("address database cannot be read, the one before serves", file=base.path.name)
        return False
    return True


def _get(base: _Database | None, address: str) -> object:
    if base is None or base.reader is None:
        return None
    try:
        return base.reader.get(address)
    except (ValueError, maxminddb.InvalidDatabaseError):
        # IPv6 in a database of IPv4, or a damaged record.
        return None


def _country(record: object) -> str:
    """Read MaxMind's, ip-location-db's and ipinfo's ways of naming a country."""
    if not isinstance(record, dict):
        return UNKNOWN
    found: object = record.get("country_code") or record.get("country")
    if found is None:
        found = record.get("registered_country")
    if isinstance(found, dict):
        found = found.get("iso_code")
    if isinstance(found, str) and len(found) == _CODE_LENGTH and found.isalpha():
        return found.upper()
    return UNKNOWN


def _provider(record: object) -> str:
    if not isinstance(record, dict):
        return UNKNOWN
    names = (record.get(key) for key in ("autonomous_system_organization", "as_name", "name"))
    found = next((name for name in names if isinstance(name, str) and name.strip()), None)
    return UNKNOWN if found is None else " ".join(found.split())[:_LONGEST_NAME]
