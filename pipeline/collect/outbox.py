"""Lines into Kafka: what is handed over is either acknowledged by every replica, or it is not.

A delivery goes on where the sender of a request is not waiting any more: the broker may still take
it, and whoever sends the same batch again is told what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from pipeline.collect.bodies import Budget, Share
from pipeline.errors import UnavailableError

Headers = Sequence[tuple[str, bytes]]
Settled = Callable[[int, bool], None]
"""Told of each message: how many lines it has, and whether the broker has them."""


@dataclass(frozen=True, slots=True)
class Message:
    """Whole lines with a newline between them, and how many they are."""

    value: bytes = field(repr=False)
    lines: int


class Outbox:
    """Delivers over one producer; ``broken`` is set to the error that only a new start mends."""

    def __init__(self, producer: AIOKafkaProducer, budget: Budget) -> None:
        self._producer = producer
        self._budget = budget
        self._deliveries: set[asyncio.Task[bool]] = set()
        self.broken: asyncio.Future[UnavailableError] = asyncio.get_running_loop().create_future()

    def deliver(
        self, topic: str, messages: Sequence[Message], headers: Headers, settled: Settled
    ) -> asyncio.Task[bool]:
        """Return the delivery of some messages: True once all are acknowledged, else False.

        Raises RefusedError where there is no memory for them.
        """
        share = Share(self._budget)
        share.take(sum(len(message.value) for message in messages))
        task = asyncio.create_task(self._deliver(topic, messages, headers, settled, share))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)
        return task

    async def flush(self) -> None:
        """Wait until every delivery has ended."""
        if self._deliveries:
            await asyncio.wait(self._deliveries)

    async def _deliver(
        self,
        topic: str,
        messages: Sequence[Message],
        headers: Headers,
        settled: Settled,
        share: Share,
    ) -> bool:
        try:
            sent = [await self._sent(topic, message, headers) for message in messages]
            acknowledged = [future is not None and await self._taken(future) for future in sent]
            for message, taken in zip(messages, acknowledged, strict=True):
                settled(message.lines, taken)
            return all(acknowledged)
        finally:
            share.give(share.size)

    async def _sent(
        self, topic: str, message: Message, headers: Headers
    ) -> asyncio.Future[object] | None:
        try:
            future: asyncio.Future[object] = await self._producer.send(
                topic, message.value, headers=headers
            )
        except KafkaError as error:
            self._note(error)
            return None
        return future

    async def _taken(self, future: asyncio.Future[object]) -> bool:
        try:
            await future
        except KafkaError as error:
            self._note(error)
            return False
        return True

    def _note(self, error: KafkaError) -> None:
        """What is not worth trying again ends the stage: credentials, grants, a producer fenced."""
        if not error.retriable and not self.broken.done():
            self.broken.set_result(
                UnavailableError(f"the broker refuses lines: {type(error).__name__}")
            )
