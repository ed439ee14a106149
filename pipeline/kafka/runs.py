"""A log of runs in a Faust table: state and the offset it covers under one key.

The state of a partition is a deterministic function of the prefix of the log it has read. So a
run is named by the offsets it covers: ``(start, end]``. Writing the same run twice is harmless,
and a worker that was paused and wakes up after another took over can only write and delete what is
consistent with what is there: runs may then overlap, never disagree. A reader takes the fewest
that cover the offsets without a gap, and of each only the rows past the one before.

Each write waits for the broker's acknowledgement. Faust itself does not: it buffers changelog
messages, and its flush before a commit gives up after a tenth of a second without progress
(``ProducerBuffer.flush_atmost``), so an offset could be committed ahead of its state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import faust

_BEFORE_ALL: Final = -1


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Offsets ``(start, end]`` of the log that a run stands for."""

    start: int
    end: int


class RunLog:
    """The runs of one partition, oldest first. Values are opaque bytes below the message limit."""

    def __init__(self, table: faust.Table, partition: int) -> None:
        """Read what the table has recovered for ``partition``."""
        self._table = table
        self._partition = partition
        prefix = f"{partition:06d}:".encode()
        found = [_span(key) for key in table.data if key.startswith(prefix)]
        self.spans, self._stale = cover(found)

    def __repr__(self) -> str:
        return f"RunLog(partition={self._partition}, runs={len(self.spans)})"

    @property
    def position(self) -> int:
        """The last offset that the state covers, -1 where there is none."""
        return self.spans[-1].end if self.spans else _BEFORE_ALL

    def read(self) -> Iterator[tuple[Span, int, bytes]]:
        """Yield each run with the offset up to which earlier runs have said it all."""
        after = _BEFORE_ALL
        for span in self.spans:
            yield span, after, bytes(self._table.data[self._key(span)])
            after = span.end

    async def append(self, end: int, value: bytes) -> Span:
        """Add the run that reaches to ``end``; returns when the broker has it."""
        span = Span(self.spans[-1].end if self.spans else end - 1, end)
        await self._put(span, value)
        self.spans.append(span)
        return span

    async def merge(self, spans: list[Span], value: bytes) -> Span:
        """Put one run in the place of several adjacent ones and return it."""
        merged = Span(spans[0].start, spans[-1].end)
        await self._put(merged, value)
        where = self.spans.index(spans[0])
        self.spans[where : where + len(spans)] = [merged]
        for span in spans:
            await self._delete(span)
        return merged

    async def drop_before(self, span: Span) -> None:
        """Forget every run older than ``span``, oldest first."""
        while self.spans and self.spans[0] != span:
            await self._delete(self.spans[0])
            del self.spans[0]

    async def clean(self) -> None:
        """Delete what a crash between two writes, or a second writer, left behind."""
        while self._stale:
            await self._delete(self._stale.pop())

    def _key(self, span: Span) -> bytes:
        return f"{self._partition:06d}:{span.start}:{span.end}".encode()

    async def _put(self, span: Span, value: bytes) -> None:
        await self._send(self._key(span), value)
        self._table.data[self._key(span)] = value

    async def _delete(self, span: Span) -> None:
        await self._send(self._key(span), None)
        self._table.data.pop(self._key(span), None)

    async def _send(self, key: bytes, value: bytes | None) -> None:
        sent: Any = self._table.send_changelog(
            self._partition, key, value, key_serializer="raw", value_serializer="raw"
        )
        await sent


def cover(found: list[Span]) -> tuple[list[Span], list[Span]]:
    """Return the fewest spans that cover the newest offsets without a gap, and all others.

    What lies before a gap was dropped on purpose, since runs are only dropped oldest first: a run
    there was written again by a worker that woke up late.
    """
    kept: list[Span] = []
    waiting = sorted(found, key=lambda span: (span.start, span.end))
    while waiting:
        end = kept[-1].end if kept else waiting[0].start
        reachable = [span for span in waiting if span.start <= end]
        if not reachable:
            kept = []
            continue
        best = max(reachable, key=lambda span: span.end)
        if best.end > end:
            kept.append(best)
        waiting = waiting[len(reachable) :]
    needed = set(kept)
    return kept, [span for span in found if span not in needed]


def _span(key: bytes) -> Span:
    _, start, end = key.decode().split(":")
    return Span(int(start), int(end))
