"""The shipper as a run: looks at the files, ships them side by side in time, ends the ingest."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pipeline import policy
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.kafka import topics
from pipeline.labels import LIVE, PATTERN, WIDGET_SUFFIX
from pipeline.restricted import Look, look, oldest
from pipeline.settings import OwnFormat, Settings, Split
from pipeline.shipping import inputs
from pipeline.shipping.batches import TOPIC
from pipeline.shipping.chunks import Chunk
from pipeline.shipping.delivery import delivery
from pipeline.shipping.entries import expand, newest_open
from pipeline.shipping.inputs import Entry
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Plan, Progress, Shipper, Tags

__all__ = ["DIRECTED", "TOO_OLD", "Plan", "Shipped", "Tags", "label", "plan", "seen", "ship"]

DIRECTED: Final = frozenset({"w3c", "iis", "cloudfront", "shoutcast"})
"""Formats whose ``#Fields:`` lines say what the lines after them hold."""
_SITE: Final = re.compile(PATTERN)
TOO_OLD: Final = 46 * 3600
"""Seconds after which the keys of a live line's day may be gone."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """Lines acknowledged in this run, and the error of an input that ended early, if any.

    ``known`` says whether the ingest has lines of these files, from this run or one before.
    ``waiting`` files end in a line that has no end yet, and which was left for the next time.
    """

    lines: int
    known: bool
    damaged: InputError | None
    waiting: int = 0


def plan(
    names: list[str],
    site: str,
    source: str | None,
    format_: str,
    ingest: str,
    clock: Clock,
    own: Mapping[str, OwnFormat] = MappingProxyType({}),
    *,
    zone: str = "",
    usual_zone: str = "",
    begun: Callable[[Entry], bool] = lambda _: False,
    passed: Callable[[str], None] = lambda _: None,
    chosen: Callable[[str], None] = lambda _: None,
    sites: Callable[[Entry], str] | None = None,
) -> list[Plan]:
    """Look into all that is named and return what to ship, in order; raises InputError.

    ``own`` are the formats of ``split.formats``; ``usual_zone`` is ``split.zone``, which holds
    where no ``zone`` is said. ``begun`` says whether something of an entry's set was shipped
    before. ``passed`` is told of what was left out since it is no log, ``chosen`` which format
    ``auto`` took for a set, and why. ``sites`` gives the site of an entry where it is not ``site``.
    """
    now = int(clock().timestamp())
    plans: list[Plan] = []
    told: set[tuple[str, str, str]] = set()
    for entry, start in expand(names, passed):
        shown = _shown(entry)
        lines = inputs.head(entry) if start is None else start
        try:
            found = seen(entry, lines, format_, now, own, zone or usual_zone)
        except InputError:
            if entry.member < 0 and entry.name in names:
                raise
            passed(shown)  # an archive or a folder may hold anything
            continue
        kind = entry.folder, entry.base, found.format
        if found.why and kind not in told:
            told.add(kind)
            chosen(f"{shown}: {found.format}, it reads {found.why}")
        old = found.oldest is not None and found.oldest < now - TOO_OLD
        if ingest == LIVE and old and not begun(entry):
            raise InputError(
                f"{shown} begins more than two days ago, and the keys of those days are gone: give "
                "it an ingest of its own, such as --ingest backfill-1"
            )
        of = site if sites is None else sites(entry)
        tags = Tags(of, source or label(entry), found.format, ingest, zone)
        plans.append(Plan(entry, tags, found.oldest or 0, found.format in DIRECTED))
    if not plans:
        raise InputError(f"{names[0]}: there is no log in it; name the files that are")
    entries = newest_open([one.entry for one in plans])
    return _in_order(
        [
            replace(one, entry=entry, whole=entry.closed or ingest != LIVE)
            for one, entry in zip(plans, entries, strict=True)
        ]
    )


def seen(
    entry: Entry,
    lines: list[bytes],
    format_: str,
    now: int,
    own: Mapping[str, OwnFormat],
    zone: str = "",
) -> Look:
    """Return what an entry's first lines are.

    Raises InputError where the format is not known, or ``auto`` cannot tell.
    """
    return look(_shown(entry), lines, format_, now, own, zone=zone)


def _oldest(chunk: Chunk, tags: Tags, *, now: int, split: Split) -> int | None:
    zone, directive = tags.zone or split.zone, (chunk.fields or b"").decode("ascii")
    return oldest(chunk.value, tags.format, now, split.formats, zone=zone, directive=directive)


def _shown(entry: Entry) -> str:
    return "standard input" if entry.path == inputs.STDIN else entry.name


def _in_order(plans: list[Plan]) -> list[Plan]:
    """Sort the sets by their oldest time, and within a set as its lines were written.

    Where each file of a set shows a time, that decides, and the names where times are equal.
    """
    sets: dict[tuple[str, str], list[Plan]] = {}
    for one in plans:
        sets.setdefault((one.entry.folder, one.entry.base), []).append(one)
    for members in sets.values():
        timed = all(one.oldest for one in members)
        members.sort(key=lambda one: (one.oldest if timed else 0, one.entry.age))
    ordered = sorted(sets.values(), key=lambda members: members[0].oldest)
    return [one for members in ordered for one in members]


def label(entry: Entry) -> str:
    """Return a source label from the name of an entry's set: letters, digits, dots and dashes.

    Labels are readable in the vault's index, so a name that looks like an address gives none.
    """
    if entry.path == inputs.STDIN:
        return "stdin"
    if "@" in entry.base:
        return "file"
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in entry.base)
    return kept.strip("._-")[:64] or "file"


def site_of(entry: Entry, part: str) -> str:
    """Return the site that an entry's ``folder``, or the name of its ``file``, stands for.

    Raises InputError where that is no name for a site.
    """
    name = Path(entry.folder).name if part == "folder" else entry.base.partition(".")[0]
    if not _SITE.fullmatch(name) or name.endswith(WIDGET_SUFFIX):
        raise InputError(
            f"{_shown(entry)}: its {part} is no name for a site (letters, digits, dots, dashes, "
            "underscores); rename it, or ship it by itself with --site"
        )
    return name


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
    now = int(clock().timestamp())
    async with contextlib.AsyncExitStack() as stack:
        points = None if remember is None else stack.enter_context(Points(remember))
        sending = await stack.enter_async_context(
            delivery(settings.kafka, declared[TOPIC].partitions, clock)
        )
        shipper = Shipper(
            sending,
            points,
            partial(_oldest, now=now, split=settings.split),
            lines_alone=lines_alone,
            more=not end and any(one.tags.ingest != LIVE for one in plans),
            tell=tell,
        )
        damaged = await shipper.ship(plans)
        ingests = {entry.tags.ingest: entry.tags for entry in plans}
        for name in ingests.keys() & shipper.ingests if end else ():
            await sending.end(ingests[name])
            if points is not None:
                points.end(name)
        known = bool(ingests.keys() & shipper.ingests)
        return Shipped(shipper.lines, known, damaged, shipper.waiting)
