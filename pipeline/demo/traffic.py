"""Seeded traffic of a web shop and of its chat widget, as Apache combined lines.

A day has its tide, pages and visitors follow power laws, offices share an address, telephones
change theirs, crawlers come at any hour, some lines come late and some are broken. Nearly every
line carries a personal value that :mod:`pipeline.demo.search` can look for afterwards. That is why
this is not :mod:`pipeline.simulate`: there values are drawn from pools, a column at a time, and
here each is handed out once and remembered.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from pipeline.demo import requests
from pipeline.demo.people import People, Visitor
from pipeline.demo.plants import Garden, Plant
from pipeline.simulate.draws import TIDE

SITES: Final = ("shop", "chat")
_ZONES: Final = {"shop": 0, "chat": 2}
"""Hours east of UTC in which each site writes its log."""

_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_BAD_SHARE: Final = 0.002
_LATE_SHARE: Final = 0.004
_LATEST: Final = 3 * 3600
"""Seconds that a line may arrive after the moment written in it, at most."""


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One line as it arrives: ``arrival`` in seconds since 1970 UTC, ``text`` without newline."""

    site: str
    arrival: int
    text: bytes


@dataclass(slots=True)
class Truth:
    """What an independent count of a site's lines has to give. Days are ISO dates, UTC.

    ``visitors`` counts distinct (address, agent) of a day, bots included.
    """

    lines: int = 0
    malformed: int = 0
    hits: int = 0
    bytes: int = 0
    late: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    visitors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, repr=False)
class Traffic:
    """Simulated lines in order of arrival, the values planted in them, and the truth per site."""

    lines: list[Line]
    plants: tuple[Plant, ...]
    truth: dict[str, Truth]

    def of(self, site: str) -> list[bytes]:
        """Return the lines of one site in order of arrival."""
        return [line.text for line in self.lines if line.site == site]


@dataclass(frozen=True, slots=True, repr=False)
class _Hit:
    site: str
    time: int
    visitor: Visitor
    request: requests.Request


def simulate(start: dt.datetime, *, seed: int = 7, lines: int = 40_000, days: int = 3) -> Traffic:
    """Return exactly ``lines`` lines of ``days`` days from midnight UTC of ``start``.

    Equal arguments give equal lines. Days before 2020 or after 2039 are to be avoided: an address
    may be one of their seconds (see ``plants.may_be_counted``).
    """
    rng = Random(seed)  # noqa: S311 - traffic that can be repeated, not a secret
    garden = Garden(rng)
    midnight = int(start.timestamp()) // 86400 * 86400
    people = People(rng, garden, sessions=lines // 6)
    hits = itertools.islice(_hits(rng, garden, people, midnight, days), lines)
    truth = {site: Truth() for site in SITES}
    seen: set[tuple[str, str, str, str]] = set()
    written = [_write(rng, garden, hit, truth[hit.site], seen) for hit in hits]
    written.sort(key=lambda line: line.arrival)
    return Traffic(written, garden.plants, truth)


def _hits(rng: Random, garden: Garden, people: People, midnight: int, days: int) -> Iterator[_Hit]:
    """Yield hits session by session, without end and not in order of time."""
    end = midnight + days * 86400
    while True:
        visitor = people.next()
        hour = rng.randrange(24) if visitor.bot else rng.choices(range(24), TIDE)[0]
        time = midnight + rng.randrange(days) * 86400 + hour * 3600 + rng.randrange(3600)
        for request in requests.session(rng, garden, bot=visitor.bot):
            yield _Hit(request.site, min(time, end - 1), visitor, request)
            time += 1 if request.asset else min(900, int(rng.expovariate(1 / 40)) + 1)


def _write(
    rng: Random, garden: Garden, hit: _Hit, truth: Truth, seen: set[tuple[str, str, str, str]]
) -> Line:
    """Return the line of a hit, broken or late now and then, and count it."""
    request, visitor = hit.request, hit.visitor
    user = garden.word("auth user") if request.login else "-"
    text = (
        f"{visitor.address} - {user} [{_stamp(hit.time, _ZONES[hit.site])}] "
        f'"{request.method} {request.target} HTTP/1.1" {request.status} '
        f'{request.bytes or "-"} "{request.referrer}" "{visitor.agent}"'
    )
    truth.lines += 1
    arrival = hit.time
    if rng.random() < _LATE_SHARE:
        arrival += rng.randint(60, _LATEST)
        truth.late += 1
    if rng.random() < _BAD_SHARE:
        truth.malformed += 1
        return Line(hit.site, arrival, _broken(rng, text))
    day = dt.datetime.fromtimestamp(hit.time, dt.UTC).date().isoformat()
    truth.hits += 1
    truth.bytes += request.bytes
    truth.statuses[str(request.status)] += 1
    truth.days[day] += 1
    who = (hit.site, day, visitor.address, visitor.agent)
    if who not in seen:
        seen.add(who)
        truth.visitors[day] += 1
    return Line(hit.site, arrival, text.encode())


def _broken(rng: Random, text: str) -> bytes:
    """Return a line that no parser may take, with all its personal values still in it."""
    if rng.random() < 0.5:  # noqa: PLR2004 - one of two ways
        return text[:-1].encode()  # cut off inside the user agent
    return b"\xff\xfe" + text.replace('"', "").encode()


def _stamp(time: int, zone: int) -> str:
    """Return ``time`` as Apache writes it (``%t``), ``zone`` hours east of UTC."""
    local = dt.datetime.fromtimestamp(time + zone * 3600, dt.UTC)
    return (
        f"{local.day:02d}/{_MONTHS[local.month - 1]}/{local.year}:"
        f"{local.hour:02d}:{local.minute:02d}:{local.second:02d} {zone:+03d}00"
    )
