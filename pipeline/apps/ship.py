"""The shipper as a run: looks at the files, orders them, ships them, ends the ingest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer

from pipeline import policy
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.kafka import client, topics
from pipeline.restricted import look
from pipeline.settings import Settings
from pipeline.shipping import inputs
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Progress, Shipper, Tags

LIVE: Final = "live"
_TOO_OLD: Final = 46 * 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """One file to ship, and what is said of it."""

    name: str
    tags: Tags


def plan(
    names: list[str], site: str, source: str | None, format_: str, ingest: str, clock: Clock
) -> list[Plan]:
    """Look into each file and return them oldest first; raises InputError.

    The order matters: windows close as time goes on, and ``access.log`` is newer than
    ``access.log.1``.
    """
    now = int(clock().timestamp())
    found: list[tuple[int, Plan]] = []
    for name in names:
        if name == inputs.STDIN:
            chosen = "combined" if format_ == "auto" else format_
            found.append((0, Plan(name, Tags(site, source or "stdin", chosen, ingest))))
            continue
        seen = look(name, inputs.head(name), format_, now)
        if ingest == LIVE and seen.oldest is not None and seen.oldest < now - _TOO_OLD:
            raise InputError(
                f"{name} begins more than two days ago, and the keys of those days are gone: give "
                "it an ingest of its own, such as --ingest backfill-1"
            )
        tags = Tags(site, source or _label(name), seen.format, ingest)
        found.append((seen.oldest or 0, Plan(name, tags)))
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]


def _label(name: str) -> str:
    """Return a source label from a file's name: letters, digits, dots and dashes of it."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in Path(name).name)
    return kept.strip("._-")[:64] or "file"


async def ship(
    plans: list[Plan],
    settings: Settings,
    clock: Clock,
    *,
    remember: Path | None,
    end: bool,
    lines_alone: bool = False,
    tell: Callable[[str, Progress], None] = lambda _name, _progress: None,
) -> int:
    """Ship the planned files; return how many lines. ``remember`` is the resume points' file."""
    declared = topics.declared(policy.load(settings.policy).current.retention)
    points = None if remember is None else Points(remember)
    shipped = 0
    async with contextlib.AsyncExitStack() as stack:
        producer = await client.started(
            lambda: client.producer(settings.kafka, linger_ms=5, max_batch_size=1 << 20),
            AIOKafkaProducer.start,
            60,
        )
        stack.push_async_callback(producer.stop)
        shipper = Shipper(
            producer, declared["logs.web"].partitions, clock, points, lines_alone=lines_alone
        )
        for entry in plans:
            shipped += await shipper.ship(
                entry.name, entry.tags, lambda p, n=entry.name: tell(n, p)
            )
        if end:
            for tags in {entry.tags.ingest: entry.tags for entry in plans}.values():
                await shipper.end(tags)
    return shipped
