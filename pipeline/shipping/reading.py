"""An entry's chunks in order, each with the point that stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pipeline.shipping import inputs, journal
from pipeline.shipping.batches import NOT_KNOWN, Batch, Tags
from pipeline.shipping.chunks import Chunk, chunks
from pipeline.shipping.identity import Resumed, digest
from pipeline.shipping.inputs import Entry
from pipeline.shipping.resume import Pending, Point


@dataclass(frozen=True, slots=True)
class Plan:
    """One entry to ship: what is said of it, and its oldest time in seconds where it is known.

    ``directives``: its format has ``#Fields:`` lines. ``whole``: nobody writes to it, and so a
    last line without an end is one.
    """

    entry: Entry
    tags: Tags
    oldest: int = 0
    directives: bool = False
    whole: bool = True

    @property
    def name(self) -> str:
        """How a person knows the entry."""
        return self.entry.name


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch to be sent, and the file's point once it has arrived."""

    batch: Batch
    point: Point


@dataclass(slots=True, repr=False)
class Reading:
    """Reads an entry from where it was left."""

    plan: Plan
    found: Resumed
    alone: bool
    parcels: Iterator[Parcel] = field(init=False)
    kept: bool = True
    """Whether points are kept of it: not of standard input."""
    end: int = 0
    """The offset behind what was read."""
    reached: Point = field(init=False)
    """The point behind what has arrived."""

    def __post_init__(self) -> None:
        """Begin behind the point."""
        self.kept = self.found.point.number > 0
        self.reached = self.found.point
        self.parcels = self._parcels()

    def close(self) -> None:
        """Close the entry."""
        self.found.close()

    def again(self) -> list[Parcel]:
        """Return what may have arrived already; the point of each is the one behind them all."""
        waiting, tags = self.found.pending, self.plan.tags
        if not waiting:
            return []
        last = waiting[-1][0]
        lines = last.first - 1 + last.lines
        point = self.found.track.moved(self.found.point, last.end, lines, tags.ingest)
        return [
            Parcel(Batch(chunk, tags, sent, watermark=NOT_KNOWN), point) for sent, chunk in waiting
        ]

    def _parcels(self) -> Iterator[Parcel]:
        plan, found = self.plan, self.found
        file, track = found.opened, found.track
        point = found.point
        if found.pending:
            last = found.pending[-1][0]
            point = replace(point, offset=last.end, lines=last.first - 1 + last.lines)
        offset, lines = self.end, _ = point.offset, point.lines
        ahead = b""
        if track.tail and not track.tail.endswith(b"\n") and not journal.is_export(track.head):
            # The last line was shipped before it had its end.
            ahead = inputs.read(file, plan.name, 1)
            if ahead == b"\n":
                track.feed(ahead, watch=plan.directives)
                offset, ahead = offset + 1, b""

        def read(size: int) -> bytes:
            nonlocal ahead
            if ahead:
                first, ahead = ahead, b""
                return first
            return inputs.read(file, plan.name, size)

        whole = chunks(read, offset=offset, lines=lines, cut=found.cut, whole=plan.whole)
        for chunk in whole:
            if chunk.start == 0:
                self._check(chunk)
            yield self.parcel(chunk)

    def parcel(self, chunk: Chunk) -> Parcel:
        """Return a chunk of the entry, ready to be sent; they come in order."""
        plan, track = self.plan, self.found.track
        made = replace(chunk, fields=track.fields)
        track.feed(chunk.read, watch=plan.directives)
        self.end = chunk.end
        lines = chunk.first - 1 + chunk.lines
        after = track.moved(self.found.point, chunk.end, lines, plan.tags.ingest)
        return Parcel(Batch(made, plan.tags, self._pending(chunk)), after)

    def _check(self, chunk: Chunk) -> None:
        if chunk.source is None:
            inputs.check_text(self.plan.name, chunk.value[:65536])

    def _pending(self, chunk: Chunk) -> Pending:
        sum_ = digest(chunk.read) if self.kept else ""
        return Pending(
            0, self.found.point.number, chunk.start, chunk.end, sum_, chunk.first, chunk.lines,
            self.alone, 0, 0, -1, 0, 0, "", "", -1, self.plan.tags.text(),
        )  # fmt: skip
