"""Fetching that keeps partitions level, and gets past a record the Kafka library cannot read.

A window closes when the partition that is furthest behind has come past it. So that one is waited
for, where more of it is known to be there; the others give what has come of them meanwhile.

aiokafka decodes the names of a record's headers as UTF-8, though Kafka's protocol lets a producer
send any bytes, and raises the same UnicodeDecodeError at each try to read the batch around such a
record. Whoever may write to a topic could so stop its readers for good. What nobody can read has
no way into the vault either: it is stepped over, counted, and said aloud with its offsets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from pipeline.logs import get
from pipeline.metrics import UNREADABLE

_STEP_BY_STEP: Final = 64
"""Steps tried one by one, before they double: good records between two bad batches near each other
are found by small steps, a batch of thousands is passed by large ones."""

_PATIENCE_MS: Final = 5_000
"""How long a fetch of a record that is known to be there may take."""

_log = get("fetch")
Records = dict[TopicPartition, list[Any]]


class Consumer(Protocol):
    """What is needed of an ``AIOKafkaConsumer``."""

    def assignment(self) -> Iterable[TopicPartition]:
        """Return the partitions that are ours."""

    async def position(self, partition: TopicPartition) -> int:
        """Return the offset that is fetched next."""

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset behind the last record of each partition."""

    def highwater(self, partition: TopicPartition) -> int | None:
        """Return the offset behind the last record that the broker has told of, None if none."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        """Return records, of all partitions where none is named."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Fetch from this offset next."""


class Fetching:
    """Fetches for one consumer, and remembers how far each partition has come by the broker's time.

    The library's fetch takes what has arrived first, and so lets one partition run far ahead.
    """

    def __init__(self, consumer: Consumer) -> None:
        """Begin with nothing fetched."""
        self._consumer = consumer
        self._reached: dict[TopicPartition, int] = {}

    async def fetch(self, *, timeout_ms: int, max_records: int) -> Records:
        """Return what the library has, or, where a record cannot be read, what is around it.

        Only then partitions are read one after the other, and what cannot be read is skipped.
        Raises what ``getmany`` raises for any other reason.
        """
        before: dict[TopicPartition, int] = {}
        more: list[TopicPartition] = []
        for partition in self._consumer.assignment():
            try:
                before[partition] = await self._consumer.position(partition)
                known = self._consumer.highwater(partition)
            except IllegalStateError:
                continue  # taken away a moment ago
            if known is not None and known > before[partition]:
                more.append(partition)
        try:
            found = await self._level(more, timeout_ms, max_records)
        except UnicodeDecodeError:  # its text holds bytes of the record: neither logged nor chained
            found = None
        if found is None:
            found = await _one_by_one(self._consumer, before, max_records)
        self._reached |= {partition: rows[-1].timestamp for partition, rows in found.items()}
        return found

    async def _level(
        self, more: list[TopicPartition], timeout_ms: int, max_records: int
    ) -> Records:
        """Return records of the one of ``more`` that is furthest behind, and what others have."""
        found: Records = {}
        if more:
            last = min(more, key=lambda partition: self._reached.get(partition, 0))
            found = await self._consumer.getmany(
                last, timeout_ms=timeout_ms, max_records=max_records
            )
        room = max_records - sum(map(len, found.values()))
        if room > 0:
            wait = 0 if more else timeout_ms  # once, also where the first brought nothing
            others = await self._consumer.getmany(timeout_ms=wait, max_records=room)
            for partition, records in others.items():
                found[partition] = found.get(partition, []) + records
        return found


async def _one_by_one(
    consumer: Consumer, before: dict[TopicPartition, int], max_records: int
) -> Records:
    """Read each partition from where it stood: what was read beside the bad record is lost."""
    found: Records = {}
    mine = set(consumer.assignment())
    starts = {partition: at for partition, at in before.items() if partition in mine}
    for partition, at in starts.items():
        consumer.seek(partition, at)
    ends = await consumer.end_offsets(list(starts))
    room = max_records
    for partition, at in starts.items():
        if room <= 0 or ends[partition] <= at:
            continue
        try:
            records = await _readable(consumer, partition, at, ends[partition], room)
        except IllegalStateError:
            continue  # taken away: its next owner comes upon the same record
        if records:
            found[partition] = records
            room -= len(records)
    return found


async def _readable(
    consumer: Consumer, partition: TopicPartition, at: int, end: int, room: int
) -> list[Any]:
    """Return the records of a partition up to the first that cannot be read, or step over that."""
    try:
        return await _get(consumer, partition, room)
    except UnicodeDecodeError:
        consumer.seek(partition, at)
    records: list[Any] = []
    try:
        while len(records) < room and (more := await _get(consumer, partition, 1)):
            records += more
    except UnicodeDecodeError:
        consumer.seek(partition, records[-1].offset + 1 if records else at)
    if not records:
        step = await _step(consumer, partition, at, end)
        consumer.seek(partition, at + step)
        UNREADABLE.inc(step)
        _log.error(
            "records that cannot be read were skipped: a header's name is not UTF-8",
            topic=partition.topic,
            partition=partition.partition,
            first=at,
            last=at + step - 1,
        )
    return records


async def _step(consumer: Consumer, partition: TopicPartition, at: int, end: int) -> int:
    """Return the smallest step found past ``at`` at which a fetch works, at most to the end."""
    bad, step = 0, 1
    while at + step < end and not await _works(consumer, partition, at + step):
        bad, step = step, step + 1 if step < _STEP_BY_STEP else 2 * step
    good = min(step, end - at)
    while good - bad > 1:
        middle = (bad + good) // 2
        if await _works(consumer, partition, at + middle):
            good = middle
        else:
            bad = middle
    return good


async def _works(consumer: Consumer, partition: TopicPartition, offset: int) -> bool:
    consumer.seek(partition, offset)
    try:
        await _get(consumer, partition, 1)
    except UnicodeDecodeError:
        return False
    # Nothing within the patience counts as readable too: it skips too little rather than too much.
    return True


async def _get(consumer: Consumer, partition: TopicPartition, most: int) -> list[Any]:
    found = await consumer.getmany(partition, timeout_ms=_PATIENCE_MS, max_records=most)
    return found.get(partition, [])
