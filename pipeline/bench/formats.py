"""How fast split takes each format: lines a second of its own hand-made lines, beside combined.

Only door 1 is timed, without a broker: messages of a thousand lines are read (cut, parsed, judged)
and cross it (described, made pseudonymous, sealed, packed).
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipeline.bench.templates import WRAPPED, Template, lines, templates, within
from pipeline.clock import stopwatch
from pipeline.errors import PartywallError
from pipeline.keys.material import KEY_BYTES, SealingKey
from pipeline.policy import Policy
from pipeline.restricted import RawMessages, Splitter, open_splitter
from pipeline.settings import Split

LINES: Final = 200_000
_A_MESSAGE: Final = 1_000
_A_BATCH: Final = 25
_NOW: Final = 1_431_864_000
"""17 May 2015, 12:00 UTC: soon after the golden lines."""
_IN_WRAPPERS: Final = frozenset({"combined", "nginx_json"})


class LostLinesError(PartywallError):
    """Lines of a format were not all events: what they cost would say nothing."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Lines a second of a format: through the whole split, and read alone.

    ``work`` is the processor's time for a line, in microseconds: it is the same on a busy machine.
    ``bytes`` are those of a line.
    """

    name: str
    split: float
    read: float
    work: float
    bytes: int


def speeds(policy: Policy, count: int, *, seed: int = 7) -> Iterator[Speed]:
    """Yield the speed of every format and of a few wrapped ones, combined first."""
    all_of_them = sorted(templates(), key=lambda template: template.name != "combined")
    for template in all_of_them:
        yield _timed(template, policy, count, seed)
    for wrapper in WRAPPED:
        for template in all_of_them:
            if template.name in _IN_WRAPPERS:
                yield _timed(within(template, wrapper), policy, count, seed)


def _timed(template: Template, policy: Policy, count: int, seed: int) -> Speed:
    made = lines(template, count, seed=seed)
    splitter = open_splitter(Split(), policy, 4)
    sealing = _sealing_key()
    reading_took = whole_took = 0.0
    # The memories of a worker that has run for a while are full.
    for batch in _batches(template, made.head(_A_MESSAGE * _A_BATCH)):
        _through(splitter, batch, sealing)
    events = 0
    worked = _worked()
    for batch in _batches(template, made):
        read, whole, came = _through(splitter, batch, sealing)
        reading_took += read
        whole_took += whole
        events += came
    worked = _worked() - worked
    if events != count:
        raise LostLinesError(f"no figures: of {count} lines of {template.name} {events} are events")
    size = int(made.str.len_bytes().sum()) // count
    return Speed(
        template.name, count / whole_took, count / reading_took, worked * 1e6 / count, size
    )


def _worked() -> float:
    """Return the seconds of processor time that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _through(
    splitter: Splitter, batch: RawMessages, sealing: SealingKey
) -> tuple[float, float, int]:
    """Take a batch through the door; return seconds of reading, of all, and events."""
    began = stopwatch()
    reading = splitter.read(batch, _NOW)
    read = stopwatch() - began
    crossing = splitter.cross(reading, sealing, dict.fromkeys(reading.days, bytes(KEY_BYTES)))
    whole = stopwatch() - began
    events = sum(n for (_, outcome, _), n in crossing.outcomes.items() if outcome == "event")
    return read, whole, events


def _batches(template: Template, made: pl.Series) -> Iterator[RawMessages]:
    values = [
        "\n".join(made.slice(at, _A_MESSAGE).to_list()).encode()
        for at in range(0, len(made), _A_MESSAGE)
    ]
    for at in range(0, len(values), _A_BATCH):
        some = values[at : at + _A_BATCH]
        offsets = list(range(at, at + len(some)))
        yield RawMessages("logs.web:0", offsets, some, [template.headers] * len(some))


def _sealing_key() -> SealingKey:
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    return SealingKey("bench", _NOW // 86_400, public, os.urandom(KEY_BYTES), _NOW + 86_400)
