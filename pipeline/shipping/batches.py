"""What goes into the raw topic: a chunk with its headers, as one message or one a line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Final, Protocol

import orjson

from pipeline.kafka import topics
from pipeline.labels import LIVE
from pipeline.shipping.chunks import Chunk, single
from pipeline.shipping.resume import Pending

TOPIC: Final = topics.WEB
UNDER_WAY: Final = 5
"""Batches of a partition between two notes."""
NOT_KNOWN: Final = 0
"""The watermark of a batch after which lines of any age may follow."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What the shipper says of its lines, in the headers of each message."""

    site: str
    source: str
    format: str
    ingest: str
    zone: str = ""

    def headers(self) -> list[tuple[str, bytes]]:
        """Return them as headers; no zone where none is given."""
        named = [
            ("site", self.site),
            ("source", self.source),
            ("format", self.format),
            ("ingest", self.ingest),
        ]
        if self.zone:
            named.append(("zone", self.zone))
        return [(name, value.encode()) for name, value in named]

    def text(self) -> str:
        """Return them as JSON."""
        return orjson.dumps(astuple(self)).decode()

    @classmethod
    def of(cls, text: str) -> Tags:
        """Return them from what ``text`` gave."""
        return cls(*orjson.loads(text))


NOTHING: Final = Tags("default", "ship", "combined", LIVE)
"""What a batch says that only takes a number's place: the end of what has none. Split passes it
over."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A chunk on its way: ``sent`` says where and under which number.

    ``chunk`` is None where nobody has its bytes any more, ``again`` where that was so before, and
    what takes its place may be there already. ``watermark``: no other file's line that follows is
    older (seconds since 1970 UTC); None where no other file follows.
    """

    chunk: Chunk | None
    tags: Tags
    sent: Pending
    again: bool = False
    watermark: int | None = None

    def messages(self, now: dt.datetime) -> Iterator[tuple[bytes, list[tuple[str, bytes]]]]:
        """Yield the value and the headers of each message."""
        if self.chunk is None:
            nothing = [*NOTHING.headers(), ("control", b"end")]
            yield from ((b"", nothing) for _ in range(self.sent.records))
            return
        headers = self.tags.headers()
        shipped = ("shipped", str(int(now.timestamp() * 1000)).encode())
        for one in single(self.chunk) if self.sent.alone else (self.chunk,):
            more = [("line", str(one.first).encode()), shipped]
            if self.watermark is not None:
                more.append(("watermark", str(self.watermark).encode()))
            if one.fields:
                more.append(("fields", one.fields))
            if self.sent.mark:
                more.append(("mark", self.sent.mark.encode()))
            yield one.value, [*headers, *more]


class Delivery(Protocol):
    """What the shipper needs of the broker."""

    partitions: int

    async def number(self, batches: list[Batch]) -> list[Batch]:
        """Give batches their partitions and numbers."""

    async def send(self, batches: list[Batch]) -> None:
        """Return once all have arrived."""

    async def again(self, batches: list[Batch]) -> list[Batch]:
        """Send once more all that may have arrived; return what has not, and will not as it is."""

    async def ends(self) -> list[int]:
        """Return where each partition ends now."""

    async def end(self, tags: Tags) -> None:
        """Say on every partition that the ingest sends no more."""
