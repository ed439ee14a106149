"""Follows files as they grow and are rotated, until it is told to stop.

In rounds: look what is there, read what is new, send it, and note it down once it has arrived. A
file that was renamed or removed is read to its end through the open descriptor. One that was cut
short is another file from then on; what had not been read of it is in the copy, which is known by
its content. A round that finds the broker away waits in it.

Nothing depends on being there at the right moment: a rotated file that is still in its folder, be
it packed, is gone on with after any pause.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pipeline.errors import InputError
from pipeline.shipping.batches import Delivery
from pipeline.shipping.identity import resume
from pipeline.shipping.inputs import Entry
from pipeline.shipping.reading import Plan, Reading
from pipeline.shipping.recover import recover
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Windows
from pipeline.shipping.tails import CutShortError, Key, Tail
from pipeline.shipping.watch import Scan

LOOK_AGAIN: Final = 0.2
"""Seconds between two rounds that find nothing."""
_AT_ONCE: Final = 20
"""Chunks of a file in one round: others have their turn too."""
_QUIET: Final = 300
"""Rounds without news after which a file that is not among the followed any more is closed."""
_SETTLED_WITHIN: Final = 10.0

Begin = Callable[[Entry], Plan]
"""Says what a file is that is new here; raises InputError where that cannot be told (yet)."""
Late = Callable[[Plan], bool]
"""Tells whether a file that was never shipped is too old to be."""


class Follower:
    """Follows what ``scan`` lists; ``notice`` is told what a person should know."""

    def __init__(
        self,
        delivery: Delivery,
        windows: Windows,
        points: Points,
        scan: Scan,
        begin: Begin,
        late: Late,
        *,
        lines_alone: bool = False,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._delivery = delivery
        self._windows = windows
        self._points = points
        self._scan = scan
        self._begin = begin
        self._late = late
        self._alone = lines_alone
        self._notice = notice
        self._tails: dict[Key, Tail] = {}
        self._done: dict[Key, tuple[int, int]] = {}
        """Files with nothing to read, by size and time of change."""

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until ``stop`` is set, then wait for what is on its way, ten seconds at most.

        What has not arrived by then is noted down, and dealt with by the next run.
        """
        rounds = asyncio.create_task(self._rounds(stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({rounds, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({rounds}, timeout=_SETTLED_WITHIN)
            if not rounds.done():
                rounds.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await rounds
        finally:
            stopping.cancel()
            await self.close()

    async def _rounds(self, stop: asyncio.Event) -> None:
        await self.recover()
        while not stop.is_set():
            if not await self.round(stop):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK_AGAIN)

    async def recover(self) -> None:
        """Find out what became of what the run before was sending."""
        await recover(self._points, self._delivery, await asyncio.to_thread(self._scan))

    async def close(self) -> None:
        """Close the files; what is on its way is noted down, and left."""
        await self._windows.abandon()
        for tail in self._tails.values():
            tail.close()
        self._tails.clear()

    @property
    def open(self) -> int:
        """How many files are open."""
        return len(self._tails)

    async def round(self, stop: asyncio.Event) -> bool:
        """Look at everything once; return whether something was new."""
        entries = await asyncio.to_thread(self._scan)
        there: set[Key] = set()
        moved = False
        for entry in entries:
            tail = await self._tail(entry, there)
            if tail is not None and not stop.is_set():
                moved |= await self._read(tail, listed=True)
        for key in self._tails.keys() - there:
            moved |= await self._read(self._tails[key], listed=False)
        self._done = {key: seen for key, seen in self._done.items() if key in there}
        if moved:
            await self._windows.settle()
        return moved

    async def _tail(self, entry: Entry, there: set[Key]) -> Tail | None:
        """Return the open file of an entry, None where there is nothing to read in it."""
        try:
            status = os.stat(entry.path)  # noqa: PTH116 -- once a round and file
        except OSError:
            return None
        key = (status.st_dev, status.st_ino)
        if key in there or not stat.S_ISREG(status.st_mode):
            return None
        there.add(key)
        if key in self._tails:
            tail = self._tails[key]
            tail.reading.plan = replace(tail.reading.plan, entry=entry, whole=_left_alone(entry))
            return tail
        seen = (status.st_size, status.st_mtime_ns)
        if not status.st_size or self._done.get(key) == seen:
            return None
        try:
            return await self._open(entry, key, seen)
        except InputError as error:
            self._notice(str(error))
            self._done[key] = seen
            return None

    async def _open(self, entry: Entry, key: Key, seen: tuple[int, int]) -> Tail | None:
        plan = await asyncio.to_thread(self._begin, entry)
        # What is on its way belongs to a file that is open; nobody else may take it for his.
        await self._windows.settle()
        found = await asyncio.to_thread(
            resume, entry, self._points, alone=self._alone, watch=plan.directives
        )
        opened = found.opened
        if found.over or found.point.number in {tail.point for tail in self._tails.values()}:
            # Read before; or the copy of a file that is open, which has its turn afterwards.
            if found.point.stamp:
                self._done[key] = seen
            found.close()
            return None
        if not found.point.offset and not found.pending and self._late(plan):
            self._done[key] = seen
            found.close()
            return None
        if (opened.device, opened.inode) in self._tails:  # renamed between two looks at it
            found.close()
            return None
        tail = Tail((opened.device, opened.inode), Reading(plan, found, self._alone))
        self._tails[tail.key] = tail
        await self._windows.opened(tail.reading)
        return tail

    async def _read(self, tail: Tail, *, listed: bool) -> bool:
        """Read what is new; return whether there was something."""
        removed = not tail.packed and not tail.status()[2]
        if not tail.news() and not removed:
            tail.quiet += 1
            if not listed and tail.quiet > _QUIET:
                self._close(tail)
            return False
        tail.quiet = 0
        moved = False
        final = removed or tail.reading.plan.whole
        try:
            for _ in range(_AT_ONCE):
                parcel = await asyncio.to_thread(tail.more, final=final)
                if parcel is None:
                    break
                moved = True
                await self._windows.add(tail.reading, parcel)
            else:
                return True
        except CutShortError:
            await self._windows.settle()
            self._close(tail)
            return True
        except InputError as error:
            self._notice(str(error))
            await self._finish(tail, whole=False)
            return True
        if tail.packed or removed:
            await self._finish(tail, whole=tail.packed)
        return moved

    async def _finish(self, tail: Tail, *, whole: bool) -> None:
        await self._windows.settle(tail.reading if whole else None)
        size, changed, _ = tail.status()
        self._done[tail.key] = (size, changed)
        self._close(tail)

    def _close(self, tail: Tail) -> None:
        del self._tails[tail.key]
        tail.close()


def _left_alone(entry: Entry) -> bool:
    """Tell whether nobody writes to a file any more: it was packed, or rotated twice."""
    kind, _, age = entry.age
    return kind == 1 and age < -1
