"""Simulated abuse: a log in which one address tries passwords among ordinary visitors."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random
from typing import Final

from pipeline.demo.traffic import simulate

SITE: Final = "shop"
TRIES: Final = 240
_AGENT: Final = "python-requests/2.32.3"
_FORM: Final = "%d/%b/%Y:%H:%M:%S +0000"


@dataclass(frozen=True, slots=True, repr=False)
class Abuse:
    """``lines`` of the shop's log in the order of time; ``address`` wrote ``tries`` of them.

    ``first`` and ``last`` are the moments of its first and last, UTC.
    """

    lines: list[bytes]
    address: str
    tries: int
    first: dt.datetime
    last: dt.datetime


def simulated(now: dt.datetime, *, seed: int = 7, lines: int = 5_000) -> Abuse:
    """Return two days of ordinary traffic before ``now``, and an hour of tries in the second."""
    draw = Random(seed)  # noqa: S311 -- a simulation
    start = (now - dt.timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    ordinary = simulate(start, seed=seed, lines=lines, days=2).of(SITE)
    first = start + dt.timedelta(days=1, hours=14)
    address = f"203.0.113.{draw.randrange(10, 250)}"
    tries = []
    for number in range(TRIES):
        moment = first + dt.timedelta(seconds=number * 15 + draw.randrange(15))
        path = f"/login?user=account{draw.randrange(10**6):06}"
        tries.append(
            f'{address} - - [{moment.strftime(_FORM)}] "POST {path} HTTP/1.1" 401 312 "-" '
            f'"{_AGENT}"'.encode()
        )
    half = len(ordinary) // 2
    last = first + dt.timedelta(seconds=TRIES * 15)
    return Abuse([*ordinary[:half], *tries, *ordinary[half:]], address, len(tries), first, last)
