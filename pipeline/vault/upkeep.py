"""What a partition's folder needs once a day: yesterday bound, and what is past its time removed.

Whoever is stopped half-way is followed by another who does it again. Two at once are no harm: a
place has one volume, and what is removed may be removed twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.rows import DAY, HOUR
from pipeline.vault.binding import Run, bound
from pipeline.vault.erasures import of_places
from pipeline.vault.manifest import Chain, Entry, Head
from pipeline.vault.standing import Standing, laid_over, stale
from pipeline.vault.storage import Storage
from pipeline.vault.volumes import Volume, Volumes, covering, day_of, place_of

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
    gone = _expire(storage, folder, (at - _LATER) // DAY - vault_days)
    if made:
        unbind(storage, folder)  # what was erased while its day was bound
    volumes = Volumes(storage, folder)
    volumes.sweep(volumes.all())
    return Done(made, gone)


def unbind(storage: Storage, folder: str) -> None:
    """Remove what holds tokens of records that were erased since: volumes, replaced segments.

    And a volume that reaches into the one before it, as of two workers whose days differ.
    """
    chain, reached = Standing.of(storage, folder), -1
    for volume in chain.volumes:
        if not volume.expired and (volume.first <= reached or stale(volume, chain.erasures)):
            Volumes(storage, folder).remove(volume)
        else:
            reached = volume.last
    replaced = {name for one in chain.erasures for name in one.replaces}
    for part in ("segments", "resealed") if replaced else ():
        there = {f"{folder}/{part}/{name}" for name in storage.names(f"{folder}/{part}")}
        for name in sorted(replaced & there):
            storage.remove(name)


def _bind(storage: Storage, folder: str, at: int) -> int:
    """Bind each run of entries that no volume covers and whose day is over."""
    chain = Standing.of(storage, folder)
    volumes, made = Volumes(storage, folder), 0
    over = (at - _SETTLED) // DAY
    for after, behind in _uncovered(chain.volumes):
        last = None if behind is None else behind.first - 1
        entries = Chain(storage, folder).entries(after, last)
        for run in _runs(entries, at // DAY, over, None if behind is None else behind.day):
            first, final = run.entries[0].first, run.entries[-1].last
            counting = laid_over(folder, run.entries, of_places(chain.erasures, first, final))
            volume = bound(storage, folder, run, counting, len(chain.erasures))
            for name, data in volume.files.items():
                storage.put(name, data)
            made += volumes.add(volume.volume)
    return made


def _uncovered(volumes: Sequence[Volume]) -> Iterator[tuple[Head, Volume | None]]:
    """Yield where entries lie that no volume covers: behind which, and before which volume."""
    head = Head()
    for volume in volumes:
        if volume.first > head.next:
            yield head, volume
        head = volume.head
    yield head, None


def _runs(entries: Sequence[Entry], today: int, over: int, later: int | None) -> Iterator[Run]:
    """Cut entries into runs of a day each and MOST_RECORDS at most; those of days before ``over``.

    An entry of no day goes with those before it, at the beginning with those behind it. ``later``
    is the day of the volume that follows, so that the last run is over whatever its day.
    """
    days = [day_of(entry.held, today) for entry in entries]
    run: list[Entry] = []
    day, records = next((one for one in days if one is not None), later), 0
    for entry, mine in zip(entries, days, strict=True):
        count = sum(one.records for one in entry.counts)
        if run and (mine not in {None, day} or records + count > MOST_RECORDS):
            if day is None or day >= over:
                return
            yield Run(day, run)
            run, day, records = [], day if mine is None else mine, 0
        run.append(entry)
        records += count
    if run and day is not None and (later is not None or day < over):
        yield Run(day, run)


def _expire(storage: Storage, folder: str, upto: int) -> int:
    """Remove what was sealed up to a day, but for the count of it; return the records."""
    volumes, past, records = Volumes(storage, folder), [], 0
    for volume in volumes.all():
        now = volume
        if not volume.expired and volume.day <= upto:
            records += sum(one.records for one in volume.counts)
            now = replace(volume, held=(), files=None, expired=True)
            volumes.replace(now)
        if now.expired:
            past.append(now)
    if past:
        _clear(storage, folder, past)
    return records


def _clear(storage: Storage, folder: str, past: Sequence[Volume]) -> None:
    """Remove entries and segments whose place is within volumes past their time.

    The chain's last entry stays: it says where the writer goes on.
    """
    for part in ("manifest", "segments", "resealed"):
        names = storage.names(f"{folder}/{part}")
        for name in names[:-1] if part == "manifest" else names:
            place = place_of(name)
            if place is not None and covering(past, place) is not None:
                storage.remove(f"{folder}/{part}/{name}")
