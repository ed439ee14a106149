"""Batches into the raw topic, each once, whoever is killed and whatever goes away meanwhile.

What a shipper was sending when it was killed may have arrived or not, and the topic does not tell:
split deletes what it has taken, and a shipper may not read it. But for each producer and partition
a broker knows the number of the last message, and takes the next one only. (KIP-98; it does not
forget that with the records, KIP-360.) So a batch is noted down *before* it is sent, with the
producer's id and its number. After a kill, a lost connection or an outage the same batches are sent
again, in order and under the same numbers. One that is the next is stored; one that is the last, or
one of the last five, is answered as if it had been; one from before is "out of order", and since
all before the first was acknowledged, that can only mean that it is there.

So each batch is made here and not by the client, and a few are under way at a time. Each run
numbers anew under an id of its own: a copied resume file can send again what was under way when it
was copied, and nothing else.

This ends where the broker forgets: a producer that was silent for ``producer.id.expiration.ms`` (a
day), or what it knows of a partition whose records are deleted already when it is killed, or shut
down, all its replicas with it: it learns the numbers anew from a snapshot, and keeps none that is
older than what is left (``ProducerStateManager.truncateAndReload`` of Kafka 4). Then what was under
way comes twice: 20 batches at most.

A broker that keeps no numbers (``kafka.idempotence: false``, the embedded one) keeps its records
instead, and each batch carries a mark: what is in the topic has arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber

from pipeline.clock import Clock
from pipeline.errors import UnavailableError
from pipeline.kafka import client
from pipeline.logs import get
from pipeline.settings import Kafka
from pipeline.shipping import numbers
from pipeline.shipping.arrivals import ends_of, missing
from pipeline.shipping.batches import TOPIC, Batch, Tags
from pipeline.shipping.patience import Patience, refused
from pipeline.shipping.resume import UNKNOWN

_BATCH_BYTES: Final = 4 * 2**20
_MOST_NUMBERS: Final = 2**30
_log = get("ship")


class KafkaDelivery:
    """One producer's batches, as a Delivery; open it with :func:`delivery`."""

    def __init__(self, kafka: Kafka, partitions: int, clock: Clock) -> None:
        self.partitions = partitions
        self._kafka = kafka
        self._clock = clock
        self._producer: AIOKafkaProducer | None = None
        self._broker = ""
        self._next = 0
        self._run = secrets.token_hex(8)
        self._made = 0
        self._after = [-1] * partitions

    async def start(self, patience: float | None) -> None:
        """Sign in; raises UnavailableError where no broker answers for so many seconds, if any."""
        self._producer = await self._signed_in(patience)
        if self._kafka.idempotence:
            self._broker = await self._cluster()

    async def stop(self) -> None:
        """Close the connection; what has not arrived by now is not waited for."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await numbers.let_go(producer)

    async def number(self, batches: list[Batch]) -> list[Batch]:
        """As in Delivery; not more than UNDER_WAY a partition."""
        if self._sequence(self._ready(), 0) > _MOST_NUMBERS:
            await self.stop()
            self._producer = await self._signed_in(None)
        producer = self._ready()
        at = [self._sequence(producer, partition) for partition in range(self.partitions)]
        identity = numbers.identity(producer)
        made: list[Batch] = []
        for batch in batches:
            partition, self._next = self._next, (self._next + 1) % self.partitions
            self._made += 1
            records = batch.sent.lines if batch.sent.alone else 1
            made.append(
                replace(
                    batch,
                    sent=replace(
                        batch.sent,
                        partition=partition,
                        records=records,
                        producer=identity[0],
                        epoch=identity[1],
                        sequence=at[partition],
                        broker=self._broker,
                        mark="" if self._kafka.idempotence else f"{self._run}-{self._made}",
                        after=self._after[partition] if not self._kafka.idempotence else -1,
                        state=UNKNOWN,
                    ),
                )
            )
            at[partition] += records
        return made

    async def send(self, batches: list[Batch]) -> None:
        """As in Delivery; a broker that is away is waited for, a refusal is UnavailableError."""
        try:
            await self._attempt(self._ready(), batches)
        except KafkaError as error:
            waiting = Patience(error)
            while True:
                await waiting.pause()
                try:
                    if self._kafka.idempotence:
                        await self._begin_again()
                        order = sorted(batches, key=lambda b: (b.sent.partition, b.sent.sequence))
                        await self._in_order(self._ready(), order, [])
                    else:
                        await self._attempt(self._ready(), await missing(self._kafka, batches))
                except KafkaError as again:
                    waiting.meet(again)
                else:
                    return

    async def again(self, batches: list[Batch]) -> list[Batch]:
        """As in Delivery."""
        vacant: list[Batch] = []
        groups: dict[tuple[int, int], list[Batch]] = defaultdict(list)
        marked: list[Batch] = []
        for batch in batches:
            if batch.sent.mark:
                marked.append(batch)
            elif batch.sent.broker != self._broker or batch.sent.producer < 0:
                vacant.append(batch)  # it was another broker's
            else:
                groups[batch.sent.producer, batch.sent.epoch].append(batch)
        if marked:
            vacant += await missing(self._kafka, marked)
        for identity, group in groups.items():
            waiting = Patience(None)
            left = sorted(group, key=lambda one: (one.sent.partition, one.sent.sequence))
            while left:
                try:
                    async with self._as(identity) as earlier:
                        await self._in_order(earlier, left, vacant)
                except KafkaError as error:
                    waiting.meet(error)
                    await waiting.pause()
        return vacant

    async def ends(self) -> list[int]:
        """As in Delivery."""
        return await ends_of(self._kafka, self.partitions)

    async def end(self, tags: Tags) -> None:
        """As in Delivery; said twice it does no harm."""
        headers = [*tags.headers(), ("control", b"end")]
        try:
            for partition in range(self.partitions):
                await self._ready().send_and_wait(TOPIC, b"", partition=partition, headers=headers)
        except KafkaError as error:
            raise refused(error) from None

    def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise UnavailableError("the connection to the broker is closed")
        return self._producer

    async def _attempt(self, producer: AIOKafkaProducer, batches: list[Batch]) -> None:
        """Send batches one behind the other; raises KafkaError."""
        sent = [(batch, await self._hand_over(producer, batch)) for batch in batches]
        try:
            for batch, future in sent:
                self._after[batch.sent.partition] = (await future).offset
        finally:
            for _, future in sent:
                # Who waits for none of the others must still look at what became of them.
                future.add_done_callback(lambda one: one.cancelled() or one.exception())

    async def _in_order(
        self, producer: AIOKafkaProducer, left: list[Batch], vacant: list[Batch]
    ) -> None:
        """Send batches under the numbers they have, each when the one before has its answer.

        Takes what was answered from ``left``. Adds to ``vacant`` what nobody has the bytes of and
        whose place was taken only since ``after``, that is by what we send instead.
        """
        while left:
            batch = left[0]
            numbers.go_to(producer, _at(batch.sent.partition), batch.sent.sequence)
            try:
                answer = await (await self._hand_over(producer, batch))
                ours = answer.offset > batch.sent.after
            except OutOfOrderSequenceNumber:
                # There, and so long ago that the broker does not know its place.
                ours = batch.again
            if batch.chunk is None and ours:
                vacant.append(batch)
            left.pop(0)

    async def _hand_over(self, producer: AIOKafkaProducer, batch: Batch) -> asyncio.Future[Any]:
        built = producer.create_batch()
        for value, headers in batch.messages(self._clock()):
            built.append(timestamp=None, key=None, value=value, headers=headers)
        future: asyncio.Future[Any] = await producer.send_batch(
            built, TOPIC, partition=batch.sent.partition
        )
        return future

    @contextlib.asynccontextmanager
    async def _as(self, identity: tuple[int, int]) -> AsyncIterator[AIOKafkaProducer]:
        earlier = await self._signed_in(None, identity)
        try:
            yield earlier
        finally:
            await numbers.let_go(earlier)

    async def _begin_again(self) -> None:
        """Take a new connection under the old id, with the next numbers of the old one."""
        producer = self._ready()
        identity = numbers.identity(producer)
        at = {p: self._sequence(producer, p) for p in range(self.partitions)}
        await numbers.let_go(producer)
        self._producer = None
        self._producer = await self._signed_in(None, identity)
        for partition, number in at.items():
            numbers.go_to(self._producer, _at(partition), number)

    async def _signed_in(
        self, patience: float | None, identity: tuple[int, int] | None = None
    ) -> AIOKafkaProducer:
        def make() -> AIOKafkaProducer:
            made = client.producer(self._kafka, linger_ms=0, max_batch_size=_BATCH_BYTES)
            if identity is not None:
                numbers.be(made, *identity)
            return made

        while True:
            try:
                return await client.started(make, AIOKafkaProducer.start, patience or 30.0)
            except UnavailableError as error:
                if patience is not None:
                    raise
                _log.warning("waiting for the broker", reason=str(error))

    async def _cluster(self) -> str:
        """Return the id of the cluster: a producer's id means nothing to another."""
        admin = await client.started(
            lambda: client.admin(self._kafka), AIOKafkaAdminClient.start, 30
        )
        try:
            return str((await admin.describe_cluster()).get("cluster_id", ""))
        finally:
            await admin.close()

    def _sequence(self, producer: AIOKafkaProducer, partition: int) -> int:
        if not self._kafka.idempotence:
            return 0
        return numbers.next_of(producer, _at(partition))


def _at(partition: int) -> TopicPartition:
    return TopicPartition(TOPIC, partition)


@contextlib.asynccontextmanager
async def delivery(
    kafka: Kafka, partitions: int, clock: Clock, patience: float | None = 60
) -> AsyncIterator[KafkaDelivery]:
    """Yield a delivery that has signed in; raises UnavailableError."""
    made = KafkaDelivery(kafka, partitions, clock)
    await made.start(patience)
    try:
        yield made
    finally:
        await made.stop()
