"""A record that the library cannot read stops nobody, and takes nothing with it but its batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.producer import message_accumulator
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.apps.embedded import Group
from pipeline.kafka import client
from pipeline.kafka.fetch import Fetching, Records
from pipeline.metrics import UNREADABLE

ONE, TWO = TopicPartition("logs.web", 0), TopicPartition("logs.web", 1)


@dataclass(frozen=True)
class Record:
    offset: int
    timestamp: int = 0


@dataclass(frozen=True)
class Batch:
    """Offsets that the broker hands out together; ``bad`` is the one whose header is no UTF-8."""

    first: int
    size: int
    bad: int | None = None


class Stand:
    """A consumer in the manner of aiokafka: whole batches are parsed, what came before is lost."""

    def __init__(self, batches: dict[TopicPartition, list[Batch]]) -> None:
        self.batches = batches
        self.at = dict.fromkeys(batches, 0)
        self.fetches = 0

    def assignment(self) -> Iterable[TopicPartition]:
        return set(self.batches)

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: sum(batch.size for batch in self.batches[tp]) for tp in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    def highwater(self, partition: TopicPartition) -> int | None:
        return sum(batch.size for batch in self.batches[partition]) if self.fetches else None

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        del timeout_ms
        self.fetches += 1
        found: Records = {}
        for tp in partitions or self.batches:
            records: list[Record] = []
            for batch in self.batches[tp]:
                for offset in range(batch.first, batch.first + batch.size):
                    if batch.first + batch.size <= self.at[tp] or len(records) == max_records:
                        break
                    if offset == batch.bad:
                        b"\xff".decode()
                    if offset >= self.at[tp]:
                        records.append(Record(offset))
            if records:
                self.at[tp] = records[-1].offset + 1
                found[tp] = records
        return found


def chain(*sizes: tuple[int, int | None]) -> list[Batch]:
    """Batches end to end, of (size, place of the bad record in it)."""
    made, first = [], 0
    for size, bad in sizes:
        made.append(Batch(first, size, None if bad is None else first + bad))
        first += size
    return made


async def drain(stand: Stand, rounds: int = 300) -> dict[TopicPartition, list[int]]:
    """Fetch until all partitions are at their ends."""
    got: dict[TopicPartition, list[int]] = {tp: [] for tp in stand.batches}
    ends = await stand.end_offsets(list(stand.batches))
    fetching = Fetching(stand)
    for _ in range(rounds):
        for tp, records in (await fetching.fetch(timeout_ms=0, max_records=100)).items():
            got[tp] += [record.offset for record in records]
        if stand.at == ends:
            return got
    raise AssertionError("never comes to the end")


async def test_without_a_bad_record_one_fetch_is_one_fetch() -> None:
    stand = Stand({ONE: chain((5, None)), TWO: chain((3, None))})
    found = await Fetching(stand).fetch(timeout_ms=0, max_records=100)
    assert {tp: len(records) for tp, records in found.items()} == {ONE: 5, TWO: 3}
    assert stand.fetches == 1


async def test_what_lies_around_a_bad_record_is_read_and_the_skipped_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = UNREADABLE._value.get()
    stand = Stand({TWO: chain((7, None)), ONE: chain((5, None), (4, 2), (6, None))})
    got = await drain(stand)
    assert got == {TWO: list(range(7)), ONE: [0, 1, 2, 3, 4, 5, 6, *range(9, 15)]}
    assert UNREADABLE._value.get() - before == 2
    shown = capsys.readouterr()
    assert "first=7 last=8" in shown.out + shown.err
    assert "xff" not in shown.out + shown.err


async def test_other_partitions_lose_nothing_whatever_their_order() -> None:
    for order in ((ONE, TWO), (TWO, ONE)):
        both = {ONE: chain((1, 0), (2, None)), TWO: chain((250, None))}
        got = await drain(Stand({tp: both[tp] for tp in order}))
        assert got == {ONE: [1, 2], TWO: list(range(250))}


async def test_a_large_batch_is_passed_in_few_fetches() -> None:
    stand = Stand({ONE: chain((20_000, 19_999), (1, None))})
    stand.at[ONE] = 19_000  # no record before the bad one is fetched here
    stand.batches[ONE][0] = Batch(0, 20_000, 0)
    assert await drain(stand) == {ONE: [20_000]}
    assert stand.fetches < 120


async def test_a_bad_record_at_the_very_end_waits_for_nothing() -> None:
    assert await drain(Stand({ONE: chain((3, None), (2, 0))})) == {ONE: [0, 1, 2]}


class Arriving(Stand):
    """A consumer of which the broker serves one partition at a time, ``served`` over and over."""

    def __init__(self, length: int, served: list[TopicPartition]) -> None:
        super().__init__({tp: [Batch(0, length)] for tp in (ONE, TWO)})
        self.served = served
        self.buffer: list[TopicPartition] = []

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        del max_records
        wanted = set(partitions or (ONE, TWO))
        while not self.buffer or (timeout_ms and not wanted & set(self.buffer)):
            self.served.append(self.served.pop(0))
            self.buffer.append(self.served[-1])
        self.fetches += 1
        found: Records = {}
        for tp in wanted & set(self.buffer):
            self.buffer = [other for other in self.buffer if other != tp]
            first = self.at[tp]
            self.at[tp] = min(first + 10, self.batches[tp][0].size)
            found[tp] = [Record(offset, timestamp=offset) for offset in range(first, self.at[tp])]
        return {tp: records for tp, records in found.items() if records}


async def test_no_partition_runs_ahead_of_one_that_has_more_to_give() -> None:
    """The broker serves one partition five times as often: windows would close late for it."""
    stand = Arriving(1_000, [ONE, ONE, ONE, ONE, ONE, TWO])
    fetching = Fetching(stand)
    apart = []
    while min(stand.at.values()) < 1_000:
        await fetching.fetch(timeout_ms=100, max_records=100)
        apart.append(abs(stand.at[ONE] - stand.at[TWO]))
    assert max(apart) <= 20


class Pouring(Stand):
    """A consumer that has ten more records of every partition whenever it is asked."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        most = min(10, max_records or 10)
        return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=most)


async def test_of_a_partition_that_gives_twice_in_one_fetch_nothing_is_lost() -> None:
    ends = {ONE: 95, TWO: 40}
    got = await drain(Pouring({tp: chain((end, None)) for tp, end in ends.items()}))
    assert got == {tp: list(range(end)) for tp, end in ends.items()}


sizes = st.integers(1, 9).flatmap(
    lambda size: st.tuples(st.just(size), st.none() | st.integers(0, size - 1))
)


@settings(max_examples=100)
@given(st.lists(sizes, max_size=6), st.lists(sizes, max_size=6))
async def test_all_is_read_but_bad_records_and_what_follows_them_in_their_batch(
    one: list[tuple[int, int | None]], two: list[tuple[int, int | None]]
) -> None:
    stand = Stand({ONE: chain(*one), TWO: chain(*two)})
    wanted = {
        tp: [
            offset
            for batch in batches
            for offset in range(batch.first, batch.first + batch.size)
            if batch.bad is None or offset < batch.bad
        ]
        for tp, batches in stand.batches.items()
    }
    assert await drain(stand) == wanted


class Odd(str):
    """A header's name whose bytes are no UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        del encoding, errors
        return b"\xff\xfe"


async def test_a_real_consumer_gets_past_a_real_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches that the library can read, and between them one whose second record it cannot."""
    monkeypatch.setattr(
        message_accumulator, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy
    )  # the compiled one takes no such name
    async with Group(tmp_path, processes=()) as group:
        producer = client.producer(group.kafka())
        await producer.start()
        for value in (b"a", b"b"):
            await producer.send_and_wait("logs.web", value, partition=0)
            await producer.send_and_wait("logs.web", value, partition=1)
        batch = producer.create_batch()
        for name in ("fine", Odd("odd")):
            batch.append(key=None, value=b"x", timestamp=None, headers=[(name, b"")])
        await (await producer.send_batch(batch, "logs.web", partition=0))
        await producer.send_and_wait("logs.web", b"c", partition=0)
        await producer.stop()
        consumer = client.consumer(group.kafka(), None)
        await consumer.start()
        consumer.assign([ONE, TWO])
        consumer.seek(ONE, 0)
        consumer.seek(TWO, 0)
        got: dict[TopicPartition, list[bytes]] = {ONE: [], TWO: []}
        fetching = Fetching(consumer)
        for _ in range(10):
            found = await fetching.fetch(timeout_ms=200, max_records=100)
            for tp, records in found.items():
                got[tp] += [record.value for record in records]
            if got[ONE][-1:] == [b"c"] and len(got[TWO]) == 2:
                break
        await consumer.stop()
    assert got[TWO] == [b"a", b"b"]
    assert [value for value in got[ONE] if value != b"x"] == [b"a", b"b", b"c"]
