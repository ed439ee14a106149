"""A producer's id and the numbers of its batches: read, and set.

aiokafka numbers batches by itself and has no way to be told the numbers, so this reaches into it;
tests/integration/test_delivery.py holds it to what is expected here. Without idempotence there is
no id.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

_CLOSED_WITHIN: Final = 5.0


def identity(producer: AIOKafkaProducer) -> tuple[int, int]:
    """Return the producer's id and epoch, -1 where it has none."""
    manager = _manager(producer)
    return (-1, -1) if manager is None else (manager.producer_id, manager.producer_epoch)


def be(producer: AIOKafkaProducer, number: int, epoch: int) -> None:
    """Give an id to a producer that was not started yet, instead of one from the broker."""
    _manager(producer).set_pid_and_epoch(number, epoch)


def next_of(producer: AIOKafkaProducer, at: TopicPartition) -> int:
    """Return the number of the next message to a partition."""
    return int(_manager(producer).sequence_number(at))


def go_to(producer: AIOKafkaProducer, at: TopicPartition, number: int) -> None:
    """Set the number of the next message to a partition."""
    _manager(producer).increment_sequence_number(at, number - next_of(producer, at))


async def let_go(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for what it still holds: its own ``stop`` may, for good.

    The connections go first, or its sender would wait for answers.
    """
    producer._closed = True  # noqa: SLF001 -- else its destructor warns
    with contextlib.suppress(KafkaError, OSError):
        await producer.client.close()
    with contextlib.suppress(KafkaError, asyncio.CancelledError, TimeoutError):
        async with asyncio.timeout(_CLOSED_WITHIN):
            await producer._sender.close()  # noqa: SLF001


def _manager(producer: AIOKafkaProducer) -> Any:  # noqa: ANN401 -- aiokafka has no types
    return producer._txn_manager  # noqa: SLF001
