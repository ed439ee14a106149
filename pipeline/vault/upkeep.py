"""What a partition's folder needs once a day: yesterday bound, and what is past its time removed.

Whoever is stopped half-way is followed by another who does it again. Two at once are no harm: a
place has one volume, and what is removed may be removed twice.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.rows import DAY, HOUR
from pipeline.vault.binding import bound
from pipeline.vault.manifest import PLACE_DIGITS, Chain, Entry, Head
from pipeline.vault.standing import Standing, laid_over
from pipeline.vault.storage import Storage
from pipeline.vault.volumes import Volume, Volumes, day_of

MOST_RECORDS: Final = 6_000_000
"""Records of a volume, whose packed indexes are held while it is made; a larger day has several."""
_SETTLED: Final = HOUR
"""Seconds after the end of a day in which what was sealed on it is still gathered."""
_LATER: Final = DAY
"""Seconds between the time of a day's keys and that of its files."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: volumes made, and records whose files went."""

    bound: int
    expired: int


def upkeep(storage: Storage, folder: str, now: dt.datetime, vault_days: int) -> Done:
    """Bind the days that are over; remove what was sealed on days past their time.

    ``vault_days`` is the policy's. Files go a day after their keys are due: what they hold opens
    to nobody by then, and a clock that is wrong by hours removes nothing. Raises IntegrityError
    where the chain is damaged, UnavailableError.
    """
    at = int(now.timestamp())
    unbind(storage, folder)
    made = _bind(storage, folder, at)
    gone = _expire(storage, folder, at // DAY, (at - _LATER) // DAY - vault_days)
    volumes = Volumes(storage, folder)
    volumes.sweep(volumes.all())
    return Done(made, gone)


def unbind(storage: Storage, folder: str) -> None:
    """Remove the volumes that hold tokens of records that were erased since."""
    chain = Standing.of(storage, folder)
    for volume in chain.volumes:
        if not volume.expired and chain.stale(volume):
            Volumes(storage, folder).remove(volume)


def _bind(storage: Storage, folder: str, at: int) -> int:
    """Bind each run of entries that no volume covers and whose day is over."""
    chain = Standing.of(storage, folder)
    volumes, made = Volumes(storage, folder), 0
    over = (at - _SETTLED) // DAY
    for after, last in _uncovered(chain.volumes):
        entries = Chain(storage, folder).entries(after, last)
        for run in _runs(entries, at // DAY, over, ended=last is not None):
            inside = [one for one in chain.erasures if run[0].first <= one.place <= run[-1].last]
            counting = laid_over(folder, run, inside)
            volume = bound(storage, folder, run, counting, len(chain.erasures))
            for name, data in volume.files.items():
                storage.put(name, data)
            made += volumes.add(volume.volume)
    return made


def _uncovered(volumes: Sequence[Volume]) -> Iterator[tuple[Head, int | None]]:
    """Yield where entries lie that no volume covers: behind which, up to which offset."""
    head = Head()
    for volume in volumes:
        if volume.first > head.next:
            yield head, volume.first - 1
        head = volume.head
    yield head, None


def _runs(entries: Sequence[Entry], today: int, over: int, *, ended: bool) -> Iterator[list[Entry]]:
    """Cut entries into runs of a day each and MOST_RECORDS at most; those of days before ``over``.

    An entry of nothing goes with those before it. ``ended`` says that a volume follows, so that the
    last run is over whatever its day.
    """
    run: list[Entry] = []
    day, records = None, 0
    for entry in entries:
        mine, count = day_of(entry.held, today), sum(one.records for one in entry.counts)
        another = None not in {day, mine} and day != mine
        if run and (another or records + count > MOST_RECORDS):
            if day is None or day >= over:
                return
            yield run
            run, day, records = [], None, 0
        run.append(entry)
        day, records = mine if day is None else day, records + count
    if run and (ended or (day is not None and day < over)):
        yield run


def _expire(storage: Storage, folder: str, today: int, upto: int) -> int:
    """Remove what was sealed up to a day, but for the count of it; return the records."""
    volumes, records = Volumes(storage, folder), 0
    for volume in volumes.all():
        day = day_of(volume.held, today)
        if day is not None and day <= upto:
            records += sum(one.records for one in volume.counts)
            volumes.replace(replace(volume, held=(), files=None, expired=True))
    past = [one for one in volumes.all() if one.expired]
    if past:
        _clear(storage, folder, past)
    return records


def _clear(storage: Storage, folder: str, past: Sequence[Volume]) -> None:
    """Remove entries and segments whose place is within volumes past their time.

    The chain's last entry stays: it says where the writer goes on.
    """
    firsts = [one.first for one in past]
    for part in ("manifest", "segments", "resealed"):
        names = storage.names(f"{folder}/{part}")
        for name in names[:-1] if part == "manifest" else names:
            place = int(name[:PLACE_DIGITS])
            at = bisect_right(firsts, place) - 1
            if at >= 0 and place <= past[at].last:
                storage.remove(f"{folder}/{part}/{name}")
