"""A broker in one hand: what arrived, and a day on which it stops to answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.shipping.batches import UNDER_WAY, Batch, Tags
from pipeline.shipping.chunks import single


class GoneError(Exception):
    """The test's kill -9."""


class Broker:
    """A Delivery over a broker that keeps numbers, as Kafka does.

    After ``patience`` batches the shipper is gone: those on the way arrive or not as ``arrives``
    says, and nothing is acknowledged any more.
    """

    partitions = 4

    def __init__(self, patience: int | None = None, arrives: int = 0) -> None:
        self.patience = patience
        self.arrives = arrives
        self.got: list[tuple[int, bytes, dict[str, bytes]]] = []
        self.ended: list[Tags] = []
        self.windows: list[int] = []
        self._last: dict[tuple[int, int], int] = {}
        self._numbers = [0] * self.partitions
        self._producer = 1
        self._next = 0

    def restart(self, patience: int | None = None, arrives: int = 0) -> None:
        """Another run of the shipper: a producer of its own."""
        self.patience, self.arrives = patience, arrives
        self._producer += 1
        self._numbers = [0] * self.partitions

    async def number(self, batches: list[Batch]) -> list[Batch]:
        made = []
        for batch in batches:
            partition, self._next = self._next, (self._next + 1) % self.partitions
            records = batch.sent.lines if batch.sent.alone else 1
            sent = replace(
                batch.sent, partition=partition, records=records, producer=self._producer,
                sequence=self._numbers[partition], broker="here",
            )  # fmt: skip
            self._numbers[partition] += records
            made.append(replace(batch, sent=sent))
        return made

    async def send(self, batches: list[Batch]) -> None:
        assert len(batches) <= UNDER_WAY * self.partitions
        self.windows.append(len(batches))
        for batch in batches:
            if self.patience is not None:
                if self.patience == 0:
                    self.arrives -= 1
                    if self.arrives < 0:
                        raise GoneError
                else:
                    self.patience -= 1
            self._take(batch)
        if self.patience == 0:
            raise GoneError

    async def again(self, batches: list[Batch]) -> list[Batch]:
        vacant = []
        for batch in sorted(batches, key=lambda one: (one.sent.producer, one.sent.sequence)):
            sent = batch.sent
            before = self._last.get((sent.producer, sent.partition), 0)
            assert sent.sequence <= before, "one before it was left out"
            if sent.sequence == before:
                self._take(batch)
                if batch.chunk is None:
                    vacant.append(batch)
        return vacant

    async def ends(self) -> list[int]:
        return [len(self.got)] * self.partitions

    async def end(self, tags: Tags) -> None:
        self.ended.append(tags)

    def _take(self, batch: Batch) -> None:
        sent = batch.sent
        self._last[sent.producer, sent.partition] = sent.sequence + sent.records
        if batch.chunk is None:
            return
        for one in single(batch.chunk) if sent.alone else (batch.chunk,):
            headers = dict(batch.tags.headers()) | {"line": str(one.first).encode()}
            if batch.watermark is not None:
                headers["watermark"] = str(batch.watermark).encode()
            if one.fields:
                headers["fields"] = one.fields
            self.got.append((sent.partition, one.value, headers))

    @property
    def lines(self) -> list[bytes]:
        return [line for _, value, _ in self.got for line in value.removesuffix(b"\n").split(b"\n")]


@pytest.fixture
def broker() -> Broker:
    return Broker()
