"""Batches into the raw topic, each once, whoever is killed and whatever goes away meanwhile.

What a shipper was sending when it was killed may have arrived or not, and the topic does not tell:
split deletes what it has taken, and a shipper may not read it. But a broker remembers, for each
producer and partition, the numbers of the last five batches, and answers one that it has with
"arrived". (KIP-98; deleting records does not make it forget, KIP-360.) So a batch is noted down
*before* it is sent, with the producer's id and its number; after a kill, a lost connection or an
outage the same batches are sent again under the same numbers, and what had arrived is not stored
again. Hence no more than five batches a partition are under way, each is made here and not by the
client, and each run numbers anew under an id of its own: a copied resume file can send again what
was under way when it was copied, and nothing else.

This ends where the broker forgets: a producer that was silent for ``producer.id.expiration.ms`` (a
day), or a broker that is killed itself, all its replicas with it, before it has written down the
numbers of records that are deleted already. Then what was under way comes twice: 20 batches at
most.

A broker that keeps no numbers (``kafka.idempotence: false``, the embedded one) keeps its records
instead, and each batch carries a mark: what is in the topic has arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, KafkaTimeoutError, OutOfOrderSequenceNumber

from pipeline.clock import Clock
from pipeline.errors import UnavailableError
from pipeline.kafka import client
from pipeline.kafka.reading import reader
from pipeline.logs import get
from pipeline.settings import Kafka
from pipeline.shipping import numbers
from pipeline.shipping.chunks import Chunk, single
from pipeline.shipping.resume import Pending

TOPIC: Final = "logs.web"
UNDER_WAY: Final = 5
"""Batches of a partition that a broker remembers (NUM_BATCHES_TO_RETAIN in its producer state)."""

_BATCH_BYTES: Final = 4 * 2**20
_LONGEST_PAUSE: Final = 5.0
_MOST_NUMBERS: Final = 2**30
_log = get("ship")


@dataclass(frozen=True, slots=True)
class Tags:
    """What the shipper says of its lines, in the headers of each message."""

    site: str
    source: str
    format: str
    ingest: str
    zone: str = ""

    def headers(self) -> list[tuple[str, bytes]]:
        """Return them as headers; no zone where none is given."""
        named = [
            ("site", self.site),
            ("source", self.source),
            ("format", self.format),
            ("ingest", self.ingest),
        ]
        if self.zone:
            named.append(("zone", self.zone))
        return [(name, value.encode()) for name, value in named]


@dataclass(frozen=True, slots=True)
class Batch:
    """A chunk on its way: ``sent`` says where and under which number."""

    chunk: Chunk
    tags: Tags
    sent: Pending


class Delivery(Protocol):
    """What the shipper needs of the broker."""

    partitions: int

    async def number(self, batches: list[Batch]) -> list[Batch]:
        """Give batches their partitions and numbers."""

    async def send(self, batches: list[Batch]) -> None:
        """Return once all have arrived."""

    async def again(self, batches: list[Batch]) -> list[Batch]:
        """Send once more what may have arrived; return what the broker can only take as new."""

    async def end(self, tags: Tags) -> None:
        """Say on every partition that the ingest sends no more."""


class KafkaDelivery:
    """One producer's batches, as a Delivery; open with :func:`delivery`."""

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

    async def start(self, patience: float) -> None:
        """Sign in; raises UnavailableError where no broker answers for so many seconds."""
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
            records = batch.chunk.lines if batch.sent.alone else 1
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
                        after=self._after[partition],
                    ),
                )
            )
            at[partition] += records
        return made

    async def send(self, batches: list[Batch]) -> None:
        """As in Delivery; a broker that is away is waited for, a refusal is UnavailableError."""
        pause = 0.1
        left = batches
        while left:
            try:
                left = await self._attempt(self._ready(), left)
            except KafkaError as error:
                if not _passes(error):
                    raise _refused(error) from None
                _log.warning("waiting for the broker", error=error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                await self._begin_again(batches)
                left = batches if self._kafka.idempotence else await self._missing(batches)

    async def again(self, batches: list[Batch]) -> list[Batch]:
        """As in Delivery."""
        fresh: list[Batch] = []
        groups: dict[tuple[int, int], list[Batch]] = defaultdict(list)
        marked: list[Batch] = []
        for batch in batches:
            if batch.sent.mark:
                marked.append(batch)
            elif batch.sent.broker != self._broker or batch.sent.producer < 0:
                fresh.append(batch)  # it was another broker's
            else:
                groups[batch.sent.producer, batch.sent.epoch].append(batch)
        if marked:
            fresh += await self._missing(marked)
        for (producer, epoch), group in groups.items():
            fresh += await self._repeated(producer, epoch, group)
        return sorted(fresh, key=lambda batch: batch.sent.start)

    async def end(self, tags: Tags) -> None:
        """As in Delivery; said twice it does no harm."""
        headers = [*tags.headers(), ("control", b"end")]
        try:
            for partition in range(self.partitions):
                await self._ready().send_and_wait(TOPIC, b"", partition=partition, headers=headers)
        except KafkaError as error:
            raise _refused(error) from None

    def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise UnavailableError("the connection to the broker is closed")
        return self._producer

    async def _attempt(self, producer: AIOKafkaProducer, batches: list[Batch]) -> list[Batch]:
        """Send batches in order; raises KafkaError."""
        sent = [(batch, await self._hand_over(producer, batch)) for batch in batches]
        try:
            for batch, future in sent:
                self._after[batch.sent.partition] = (await future).offset
        finally:
            for _, future in sent:
                # Who waits for none of the others must still look at what became of them.
                future.add_done_callback(lambda one: one.cancelled() or one.exception())
        return []

    async def _hand_over(self, producer: AIOKafkaProducer, batch: Batch) -> asyncio.Future[Any]:
        built = producer.create_batch()
        headers = batch.tags.headers()
        shipped = ("shipped", str(int(self._clock().timestamp() * 1000)).encode())
        for one in single(batch.chunk) if batch.sent.alone else (batch.chunk,):
            more = [("line", str(one.first).encode()), shipped]
            if one.fields:
                more.append(("fields", one.fields))
            if batch.sent.mark:
                more.append(("mark", batch.sent.mark.encode()))
            built.append(timestamp=None, key=None, value=one.value, headers=[*headers, *more])
        future: asyncio.Future[Any] = await producer.send_batch(
            built, TOPIC, partition=batch.sent.partition
        )
        return future

    async def _repeated(self, producer: int, epoch: int, batches: list[Batch]) -> list[Batch]:
        """Send batches of an earlier producer one after the other; return those not in order.

        One before such a batch has not arrived, and so neither has it.
        """
        fresh: list[Batch] = []
        pause = 0.1
        left = sorted(batches, key=lambda one: (one.sent.partition, one.sent.sequence))
        while left:
            try:
                async with self._as(producer, epoch) as earlier:
                    while left:
                        numbers.go_to(earlier, _at(left[0].sent.partition), left[0].sent.sequence)
                        try:
                            await (await self._hand_over(earlier, left[0]))
                        except OutOfOrderSequenceNumber:
                            fresh.append(left[0])
                        left.pop(0)
            except KafkaError as error:
                if not _passes(error):
                    raise _refused(error) from None
                _log.warning("waiting for the broker", error=error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        return fresh

    @contextlib.asynccontextmanager
    async def _as(self, producer: int, epoch: int) -> AsyncIterator[AIOKafkaProducer]:
        earlier = await self._signed_in(None, (producer, epoch))
        try:
            yield earlier
        finally:
            await numbers.let_go(earlier)

    async def _begin_again(self, batches: list[Batch]) -> None:
        """Take a new connection under the old id, at the numbers of ``batches``."""
        producer = self._ready()
        identity = numbers.identity(producer) if self._kafka.idempotence else None
        at = {p: self._sequence(producer, p) for p in range(self.partitions)}
        await numbers.let_go(producer)
        self._producer = None
        self._producer = await self._signed_in(None, identity)
        if identity is not None:
            for batch in reversed(batches):
                at[batch.sent.partition] = batch.sent.sequence
            for partition, number in at.items():
                numbers.go_to(self._producer, _at(partition), number)

    async def _missing(self, batches: list[Batch]) -> list[Batch]:
        """Return those whose mark is not in the topic."""
        wanted = {batch.sent.mark for batch in batches}
        since: dict[int, int] = {}
        for batch in batches:
            at = batch.sent.after + 1
            since[batch.sent.partition] = min(at, since.get(batch.sent.partition, at))
        async with reader(self._kafka) as consumer:
            for number, offset in since.items():
                partition = _at(number)
                end = (await consumer.end_offsets([partition]))[partition]
                first = (await consumer.beginning_offsets([partition]))[partition]
                consumer.assign([partition])
                position = max(offset, first)
                consumer.seek(partition, position)
                while position < end:
                    got = await consumer.getmany(partition, timeout_ms=1000)
                    for record in got.get(partition, []):
                        mark = dict(record.headers).get("mark", b"")
                        wanted.discard(mark.decode("ascii", "replace"))
                    position = await consumer.position(partition)
        return [batch for batch in batches if batch.sent.mark in wanted]

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
    kafka: Kafka, partitions: int, clock: Clock, patience: float = 60
) -> AsyncIterator[KafkaDelivery]:
    """Yield a delivery that has signed in; raises UnavailableError."""
    made = KafkaDelivery(kafka, partitions, clock)
    await made.start(patience)
    try:
        yield made
    finally:
        await made.stop()


def _refused(error: KafkaError) -> UnavailableError:
    return UnavailableError(f"the broker refuses: {type(error).__name__}")


def _passes(error: KafkaError) -> bool:
    """Tell what goes by from what a person must mend."""
    return bool(error.retriable) or isinstance(error, KafkaTimeoutError | OutOfOrderSequenceNumber)
