"""The shipper as a run: looks at the files, ships them side by side in time, ends the ingest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiokafka import AIOKafkaProducer

from pipeline import policy
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.kafka import client, topics
from pipeline.labels import LIVE
from pipeline.restricted import look, oldest
from pipeline.settings import OwnFormat, Settings
from pipeline.shipping import inputs
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Plan, Progress, Shipper, Tags

__all__ = ["Plan", "Shipped", "Tags", "plan", "ship"]

_TOO_OLD: Final = 46 * 3600


@dataclass(frozen=True, slots=True)
class Shipped:
    """Lines acknowledged in this run, and the error of an input that ended early, if any.

    ``known`` says whether the ingest has lines of these files, from this run or one before.
    """

    lines: int
    known: bool
    damaged: InputError | None


def plan(
    names: list[str],
    site: str,
    source: str | None,
    format_: str,
    ingest: str,
    clock: Clock,
    own: Mapping[str, OwnFormat] = MappingProxyType({}),
) -> list[Plan]:
    """Look into each file and return what to ship, oldest first; raises InputError.

    ``own`` are the formats of ``split.formats``.
    """
    now = int(clock().timestamp())
    plans: list[Plan] = []
    for name in names:
        shown = "standard input" if name == inputs.STDIN else name
        seen = look(shown, inputs.head(name), format_, now, own)
        if ingest == LIVE and seen.oldest is not None and seen.oldest < now - _TOO_OLD:
            raise InputError(
                f"{shown} begins more than two days ago, and the keys of those days are gone: give "
                "it an ingest of its own, such as --ingest backfill-1"
            )
        label = "stdin" if name == inputs.STDIN else _label(name)
        tags = Tags(site, source or label, seen.format, ingest)
        plans.append(Plan(name, tags, seen.oldest or 0))
    return sorted(plans, key=lambda entry: entry.oldest)


def _label(name: str) -> str:
    """Return a source label from a file's name: its letters, digits, dots and dashes.

    Labels are readable in the vault's index, so a name that looks like an address gives none.
    """
    stem = Path(name).name
    if "@" in stem:
        return "file"
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem)
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
) -> Shipped:
    """Ship the planned files. ``remember`` is the resume points' file, ``end`` ends the ingest.

    An ingest that gets nothing, since all was shipped under another, is not ended: it would take
    no more. Raises UsageError where another process has the resume points.
    """
    declared = topics.declared(policy.load(settings.policy).current.retention)
    points = None if remember is None else Points(remember)
    now = int(clock().timestamp())
    async with contextlib.AsyncExitStack() as stack:
        if points is not None:
            stack.enter_context(points)
        producer = await client.started(
            lambda: client.producer(settings.kafka, linger_ms=5, max_batch_size=1 << 20),
            AIOKafkaProducer.start,
            60,
        )
        stack.push_async_callback(producer.stop)
        shipper = Shipper(
            producer,
            declared["logs.web"].partitions,
            clock,
            points,
            lambda value, format_: oldest(value, format_, now, settings.split.formats),
            lines_alone=lines_alone,
            tell=tell,
        )
        damaged = await shipper.ship(plans)
        ingests = {entry.tags.ingest: entry.tags for entry in plans}
        for name in ingests.keys() & shipper.ingests if end else ():
            await shipper.end(ingests[name])
            if points is not None:
                points.end(name)
        return Shipped(shipper.lines, bool(ingests.keys() & shipper.ingests), damaged)
