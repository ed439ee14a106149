"""What is in the raw topic: asked where the broker keeps no numbers, and for where it ends."""

from __future__ import annotations

from aiokafka import TopicPartition

from pipeline.kafka.reading import reader
from pipeline.settings import Kafka
from pipeline.shipping.batches import TOPIC, Batch


async def ends_of(kafka: Kafka, partitions: int) -> list[int]:
    """Return where each partition ends now."""
    wanted = [TopicPartition(TOPIC, number) for number in range(partitions)]
    async with reader(kafka) as consumer:
        ends = await consumer.end_offsets(wanted)
    return [ends[partition] for partition in wanted]


async def missing(kafka: Kafka, batches: list[Batch]) -> list[Batch]:
    """Return the batches whose mark is not in the topic; reads it from where it may be on."""
    wanted = {batch.sent.mark for batch in batches}
    since: dict[int, int] = {}
    for batch in batches:
        at = batch.sent.after + 1
        since[batch.sent.partition] = min(at, since.get(batch.sent.partition, at))
    async with reader(kafka) as consumer:
        for number, offset in since.items():
            partition = TopicPartition(TOPIC, number)
            end = (await consumer.end_offsets([partition]))[partition]
            first = (await consumer.beginning_offsets([partition]))[partition]
            position = max(offset, first)
            if position >= end:
                continue  # nothing since, or another log by now
            consumer.assign([partition])
            consumer.seek(partition, position)
            while position < end:
                got = await consumer.getmany(partition, timeout_ms=1000)
                for record in got.get(partition, []):
                    mark = dict(record.headers).get("mark", b"")
                    wanted.discard(mark.decode("ascii", "replace"))
                position = await consumer.position(partition)
    return [batch for batch in batches if batch.sent.mark in wanted]
