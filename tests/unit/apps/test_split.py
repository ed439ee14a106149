"""What somebody may ship to stall split does not: it comes to the end, and hands on every line."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiokafka import TopicPartition

from pipeline import sealed
from pipeline.apps.embedded import Group
from pipeline.kafka import client
from pipeline.restricted.lines import MOST_LABELS

HERE = TopicPartition("logs.web", 0)
LINES = 3 * MOST_LABELS + 5


async def test_more_labels_than_fit_a_batch_are_all_taken(tmp_path: Path) -> None:
    """Each line of a site of its own: several batches, and no line twice."""
    async with Group(tmp_path, processes=(("keys",), ("split",))) as group:
        producer = client.producer(group.kafka(), linger_ms=100)
        await producer.start()
        sent = [
            await producer.send(
                "logs.web", b"no such format", partition=0, headers=[("site", f"s{n}".encode())]
            )
            for n in range(LINES)
        ]
        await asyncio.gather(*sent)
        await producer.stop()
        consumer = client.consumer(group.kafka(), None)
        await consumer.start()
        partition = TopicPartition("vault.sealed", 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        sites: list[str] = []
        async with asyncio.timeout(30):
            while len(sites) < LINES:
                message = await consumer.getone()
                sites += sealed.index_rows(sealed.decode(message.value))["site"].to_list()
        await consumer.stop()
    assert sites == [f"s{n}" for n in range(LINES)]
