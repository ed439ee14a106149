"""Fills the raw topic before the clock starts: one line a message, batches built by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaProducer

_BATCH_LINES: Final = 1_000


async def preload(
    producer: AIOKafkaProducer,
    topic: str,
    partitions: int,
    lines: Iterable[bytes],
    ending: list[tuple[str, bytes]],
) -> int:
    """Send ``lines`` round robin in batches of a thousand messages, then the end of the ingest.

    The lines bear no headers, as common shippers send them; ``ending`` are those of the end.
    Returns how many were sent. Batches alternate between partitions, so that time moves on all of
    them alike.
    """
    sent = 0
    number = 0
    builder = producer.create_batch()
    held = 0
    waiting: list[asyncio.Future[object]] = []

    async def flush() -> None:
        nonlocal builder, held, number
        builder.close()
        partition = number % partitions
        waiting.append(await producer.send_batch(builder, topic, partition=partition))
        number += 1
        builder, held = producer.create_batch(), 0
        if len(waiting) > 4 * partitions:
            await waiting.pop(0)

    for line in lines:
        if held == _BATCH_LINES or not builder.append(
            key=None, value=line, timestamp=None, headers=[]
        ):
            full = held == _BATCH_LINES
            await flush()
            if full or held == 0:
                builder.append(key=None, value=line, timestamp=None, headers=[])
        held += 1
        sent += 1
    if held:
        await flush()
    await asyncio.gather(*waiting)
    for partition in range(partitions):
        await producer.send_and_wait(
            topic, b"", partition=partition, headers=[*ending, ("control", b"end")]
        )
    return sent
