"""The shipper as a service: follows files until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import policy
from pipeline.apps.ship import DIRECTED, TOO_OLD, Plan, Tags, label, seen
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.kafka import topics
from pipeline.labels import LIVE
from pipeline.settings import Settings
from pipeline.shipping import inputs
from pipeline.shipping.batches import TOPIC
from pipeline.shipping.delivery import delivery
from pipeline.shipping.follow import Follower
from pipeline.shipping.identity import resume
from pipeline.shipping.inputs import Entry
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Progress, Windows
from pipeline.shipping.watch import check, watch

Notice = Callable[[str], None]


@dataclass(slots=True)
class _Looks:
    """Says what new files are, and remembers each set's format: one line may not tell it."""

    tags: Tags
    source: str | None
    settings: Settings
    clock: Clock
    formats: dict[tuple[str, str], str]
    notice: Notice
    sites: Callable[[Entry], str] | None

    def begin(self, entry: Entry) -> Plan:
        """Return what a file is; raises InputError where its format cannot be told."""
        known = self.formats.get((entry.folder, entry.base), self.tags.format)
        now = int(self.clock().timestamp())
        split = self.settings.split
        zone = self.tags.zone or split.zone
        found = seen(entry, inputs.head(entry), known, now, split.formats, zone)
        self.formats[entry.folder, entry.base] = found.format
        tags = replace(
            self.tags,
            format=found.format,
            source=self.source or label(entry),
            site=self.tags.site if self.sites is None else self.sites(entry),
        )
        whole = entry.closed and entry.age[0] != 1
        plan = Plan(entry, tags, found.oldest or 0, found.format in DIRECTED, whole)
        if found.why and not self.late(plan):
            self.notice(f"{entry.name}: {found.format}, it reads {found.why}")
        return plan

    def late(self, plan: Plan) -> bool:
        """Tell whether a file begins when the keys of its day may be gone."""
        live = plan.tags.ingest == LIVE
        return live and 0 < plan.oldest < int(self.clock().timestamp()) - TOO_OLD


async def follow(
    names: list[str],
    settings: Settings,
    clock: Clock,
    tags: Tags,
    *,
    source: str | None,
    remember: Path,
    lines_alone: bool = False,
    tell: Callable[[str, Progress], None] = lambda _name, _progress: None,
    notice: Notice = lambda _: None,
    sites: Callable[[Entry], str] | None = None,
) -> int:
    """Follow files, folders and patterns until SIGTERM or SIGINT; return the lines acknowledged.

    ``tags`` hold the format asked for (``auto``), ``source`` is None where the name of a set is
    its source; ``sites`` gives the site of a file where it is not that of ``tags``. A broker that
    is away is waited for. Raises UsageError for what cannot be followed, InputError for a file
    whose lines are too old to begin with.
    """
    check(names)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    declared = topics.declared(policy.load(settings.policy).current.retention)
    looks = _Looks(tags, source, settings, clock, {}, notice, sites)
    noticed: set[str] = set()

    def once(what: str) -> None:
        if what not in noticed:
            noticed.add(what)
            notice(what)

    async with contextlib.AsyncExitStack() as stack:
        points = stack.enter_context(Points(remember))
        points.check(tags.ingest)
        scan = watch(names, points)
        await asyncio.to_thread(_check_begin, scan(), looks, points)
        if not scan():
            once(f"{names[0]} has nothing to follow yet: waiting for it")
        signing_in = asyncio.create_task(
            stack.enter_async_context(
                delivery(settings.kafka, declared[TOPIC].partitions, clock, None)
            )
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({signing_in, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not signing_in.done():
            signing_in.cancel()
            return 0
        sending = signing_in.result()
        windows = Windows(sending, points, tell)
        follower = Follower(
            sending, windows, points, scan, looks.begin, looks.late,
            lines_alone=lines_alone, notice=once,
        )  # fmt: skip
        await follower.run(stop)
        return windows.lines


def _check_begin(entries: list[Entry], looks: _Looks, points: Points) -> None:
    """Raise InputError where a file that is written to now begins too long ago."""
    for entry in entries:
        if entry.age[0] != 2 or entry.closed or not Path(entry.path).stat().st_size:  # noqa: PLR2004
            continue
        try:
            plan = looks.begin(entry)
        except InputError:
            continue  # said when it is its turn
        if looks.late(plan):
            found = resume(entry, points)
            found.close()
            if not found.point.offset and not found.pending:
                raise InputError(
                    f"{entry.name} begins more than two days ago, and the keys of those days are "
                    "gone: ship it first with an ingest of its own, such as --ingest backfill-1, "
                    "and follow it then"
                )
