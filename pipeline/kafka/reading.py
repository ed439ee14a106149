"""Reads a topic from its start to its present end: accounts, lags, what a search looks at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.kafka import client
from pipeline.rows import Statement, decode_statement
from pipeline.settings import Kafka

PATIENCE: float = 10.0
"""Seconds that a one-shot command waits for a broker."""


@asynccontextmanager
async def reader(kafka: Kafka, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a started consumer without subscription; raises UnavailableError."""
    consumer = await client.started(
        # Stopping waits for the fetch under way, and that for news that nobody wants any more.
        lambda: client.consumer(kafka, group, fetch_max_wait_ms=20),
        AIOKafkaConsumer.start,
        PATIENCE,
        kafka.bootstrap,
    )
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_all(kafka: Kafka, topic: str, partitions: int) -> AsyncIterator[Any]:
    """Yield every record that ``topic`` holds now."""
    async with reader(kafka) as consumer:
        for number in range(partitions):
            async for record in read_one(consumer, TopicPartition(topic, number)):
                yield record


async def read_one(consumer: AIOKafkaConsumer, partition: TopicPartition) -> AsyncIterator[Any]:
    """Yield every record that a partition holds now; the consumer is left assigned to it."""
    position = (await consumer.beginning_offsets([partition]))[partition]
    end = (await consumer.end_offsets([partition]))[partition]
    if position >= end:
        return
    consumer.assign([partition])
    consumer.seek(partition, position)
    while position < end:
        got = await consumer.getmany(partition, timeout_ms=1000)
        for record in got.get(partition, []):
            yield record
        position = await consumer.position(partition)


async def accounts(kafka: Kafka, partitions: int) -> dict[tuple[str, str], dict[str, int]]:
    """Return the newest account of each (ingest, site): counted, released, withheld hits."""
    newest: dict[tuple[str, str], Statement] = {}
    async for record in read_all(kafka, "accounting", partitions):
        said = decode_statement(record.value)
        known = newest.setdefault((said.ingest, said.site), said)
        # A worker that was halted and woke up may say last what was true some time ago.
        if said.position >= known.position:
            newest[said.ingest, said.site] = said
    return {
        key: {"counted": one.counted, "released": one.released, "withheld": one.withheld}
        for key, one in newest.items()
    }


async def lags(kafka: Kafka, group: str, topic: str, partitions: int) -> dict[int, dict[str, int]]:
    """Return for each partition where it starts, where it ends and how far a group committed."""
    async with reader(kafka, group) as consumer:
        wanted = [TopicPartition(topic, number) for number in range(partitions)]
        starts = await consumer.beginning_offsets(wanted)
        # Asked before the ends: what is read meanwhile must not look like more than there is.
        committed = {tp: await consumer.committed(tp) for tp in wanted}
        ends = await consumer.end_offsets(wanted)
        found = {}
        for tp in wanted:
            done = starts[tp] if committed[tp] is None else committed[tp]
            found[tp.partition] = {
                "start": starts[tp],
                "end": ends[tp],
                "committed": done,
                "lag": ends[tp] - done,
            }
        return found
