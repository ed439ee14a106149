"""The split worker: raw messages in; events and sealed records out; then, and only then, commit.

For each source partition the way of a batch is read, cross, send, wait for every acknowledgement,
commit. Three batches are under way: one is fetched, one crosses, one is sent. The next is prepared
but not sent before, so that the rows of a source never overtake each other on an events partition:
what a rollup has seen up to an offset, it has seen whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    TopicPartition,
)
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, IllegalStateError

from pipeline import events, policy
from pipeline.apps.rejects import RejectLimit
from pipeline.clock import Clock, system_clock
from pipeline.errors import RejectLimitError, SettingsError, UnavailableError
from pipeline.events import EventsHeader
from pipeline.kafka import client, topics
from pipeline.kafka.deletion import Deletion
from pipeline.kafka.fetch import Fetching, Records
from pipeline.keys.client import KeyClient
from pipeline.keys.pinning import Pin
from pipeline.keys.rules import day_of, seconds
from pipeline.labels import LIVE, of_key
from pipeline.logs import get
from pipeline.metrics import LINES, REJECTS, SPLIT_BATCHES, WAITING
from pipeline.restricted import Crossing, RawMessages, open_splitter
from pipeline.settings import Settings

_TOKEN_TRIES: Final = 300
T = TypeVar("T")
_log = get("split")


class _Joined(ConsumerRebalanceListener):  # type: ignore[misc]
    """Says when the worker has become a member."""

    def __init__(self, ready: asyncio.Event) -> None:
        self._ready = ready

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to do: what is under way is repeated by the next owner, and dropped."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Say so."""
        del assigned
        self._ready.set()


class Worker:
    """One member of the group ``split``."""

    def __init__(
        self, settings: Settings, *, sealing: bool = True, clock: Clock = system_clock
    ) -> None:
        """Open rules, databases and policy; raises SettingsError."""
        self._settings = settings
        self._clock = clock
        self._policy = policy.load(settings.policy)
        declared = topics.declared(self._policy.current.retention)
        self._events = declared["events"]
        self._sealed = declared["vault.sealed"]
        self._splitter = open_splitter(
            settings.split,
            self._policy,
            self._events.partitions,
            sealing=sealing,
            goals=settings.goals,
            zones=settings.windows.clocks(),
        )
        self._limit = RejectLimit(settings.split.reject_limit, settings.split.reject_window)
        self._idle_since: dict[TopicPartition, float] = {}
        self._deletion = Deletion(time.monotonic)
        self.ready = asyncio.Event()
        """Set when the group has given out its partitions."""

    async def run(self) -> None:
        """Work until cancelled."""
        kafka = self._settings.kafka
        token = await _token(self._settings.keys.token_file)
        async with contextlib.AsyncExitStack() as stack:
            mine = self._settings.keys
            pin = Pin.of(mine.verifier, mine.token_file)
            keys = await stack.enter_async_context(KeyClient(mine.url, token, self._clock, pin=pin))
            producer = await client.started(
                lambda: client.producer(kafka, linger_ms=0), AIOKafkaProducer.start, 60
            )
            stack.push_async_callback(producer.stop)
            admin = await client.started(lambda: client.admin(kafka), AIOKafkaAdminClient.start, 60)
            stack.push_async_callback(admin.close)
            consumer = await client.started(
                lambda: client.consumer(kafka, "split", max_partition_fetch_bytes=12 * 2**20),
                AIOKafkaConsumer.start,
                60,
            )
            stack.push_async_callback(consumer.stop)
            consumer.subscribe(topics.READ_BY["split"], listener=_Joined(self.ready))
            await self._loop(consumer, producer, admin, keys)

    async def _loop(
        self,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        admin: AIOKafkaAdminClient,
        keys: KeyClient,
    ) -> None:
        sending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sending.set_result(None)
        fetching = Fetching(consumer)
        batches = await self._fetch(fetching)
        while True:
            # Also where nothing comes any more: nothing else would forget then.
            keys.forget_due()
            self._splitter.forget(day_of(self._clock()))
            coming = asyncio.create_task(self._fetch(fetching))
            try:
                crossed = [(tp, *await self._cross(tp, batches[tp], keys)) for tp in batches]
                await sending
                sending = asyncio.create_task(self._send(consumer, producer, crossed))
                await self._deletion.run(admin)
                fetched = await coming
            finally:
                coming.cancel()
            for partition, last, _ in crossed:
                if last < batches[partition][-1].offset:
                    # Too many labels for one batch: the rest is fetched again. Were it kept here
                    # instead, much of it could hold us back from the group for too long.
                    fetched.pop(partition, None)
                    _rewind(consumer, partition, last + 1)
            # Not while something is fetched: a position then counts what has not crossed yet.
            await self._heartbeat(consumer, producer, batches.keys() | fetched.keys())
            batches = fetched

    async def _fetch(self, fetching: Fetching) -> Records:
        split = self._settings.split
        return await fetching.fetch(timeout_ms=split.linger_ms, max_records=split.batch_messages)

    async def _cross(
        self, partition: TopicPartition, records: list[Any], keys: KeyClient
    ) -> tuple[int, Crossing]:
        """Return how far the records have been taken, and what leaves the room for them."""
        messages = RawMessages(
            source=f"{partition.topic}:{partition.partition}",
            offsets=[record.offset for record in records],
            values=[record.value or b"" for record in records],
            headers=[record.headers or of_key(record.key) for record in records],
        )
        now = seconds(self._clock())
        reading = await asyncio.to_thread(self._splitter.read, messages, now)
        wanted: dict[str, list[int]] = {}
        for ingest, day in reading.days:
            wanted.setdefault(ingest, []).append(day)
        found: dict[tuple[str, int], bytes | None] = {}
        for ingest, days in wanted.items():
            lent = await _patiently(partial(keys.pseudonym_keys, ingest, days))
            found |= {(ingest, day): key for day, key in lent.items()}
        sealing = await _patiently(keys.sealing)
        crossing = await asyncio.to_thread(self._splitter.cross, reading, sealing, found)
        self._check(crossing)
        return reading.messages.offsets[-1], crossing

    def _check(self, crossing: Crossing) -> None:
        excess = self._limit.excess(crossing.sources)
        if excess is None:
            return
        if self._settings.split.reject_action == "stop":
            raise RejectLimitError(f"{excess} Nothing was committed")
        _log.error("too many lines are rejected", reason=excess)

    async def _send(
        self,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        crossed: list[tuple[TopicPartition, int, Crossing]],
    ) -> None:
        ways: dict[tuple[str, int], list[bytes]] = {}
        for partition, _, crossing in crossed:
            home = partition.partition % self._sealed.partitions
            ways.setdefault(("vault.sealed", home), []).extend(crossing.sealed)
            for where, message in crossing.events:
                ways.setdefault(("events", where), []).append(message)
        await asyncio.gather(*(_send_in_order(producer, *to, made) for to, made in ways.items()))
        for partition, offset, crossing in crossed:
            try:
                await consumer.commit({partition: offset + 1})
            except (CommitFailedError, IllegalStateError):
                # Taken away meanwhile: the next owner sends the same again, and it is dropped.
                _log.info("partition moved before its commit", partition=partition.partition)
            else:
                if self._settings.split.delete_after_commit:
                    self._deletion.add(partition, offset + 1)
            _count(crossing)

    async def _heartbeat(
        self,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        busy: set[TopicPartition],
    ) -> None:
        """Let windows close where a source is silent: nothing newer than now can be waiting."""
        loop = asyncio.get_running_loop()
        for partition in consumer.assignment():
            since = self._idle_since.setdefault(partition, loop.time())
            if partition in busy:
                self._idle_since[partition] = loop.time()
            elif loop.time() - since >= self._settings.split.idle_seconds:
                try:
                    position = await consumer.position(partition)
                except IllegalStateError:
                    continue  # taken away a moment ago
                # The broker's word, not what was fetched last: we may have been halted for long.
                if (await consumer.end_offsets([partition]))[partition] > position:
                    continue
                self._idle_since[partition] = loop.time()
                grace = int(self._settings.split.idle_seconds)
                header = EventsHeader(
                    source=f"{partition.topic}:{partition.partition}",
                    last_offset=position - 1,
                    ingest=LIVE,
                    watermark=seconds(self._clock()) - grace,
                )
                message = events.encode(header, events.EMPTY)
                for where in range(self._events.partitions):
                    await producer.send_and_wait("events", message, partition=where)


def _rewind(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
    with contextlib.suppress(IllegalStateError):  # taken away meanwhile
        consumer.seek(partition, offset)


async def _token(path: Path) -> str:
    """Read the token; the key service writes it at its first start, which may be under way."""
    for _ in range(_TOKEN_TRIES):
        try:
            found = (await asyncio.to_thread(path.read_text, encoding="utf-8")).strip()
        except FileNotFoundError:
            found = ""
        except OSError as error:
            raise SettingsError(f"setting keys.token_file {path}: {error.strerror}") from None
        if found:
            return found
        await asyncio.sleep(0.1)
    raise SettingsError(
        f"setting keys.token_file {path}: no such file; start the key service first"
    )


async def _send_in_order(
    producer: AIOKafkaProducer, topic: str, partition: int, messages: list[bytes]
) -> None:
    """Send each message after the one before is acknowledged.

    A batch may take several messages, and the later ones say that the earlier came. Were they
    handed over together, a later one could arrive although an earlier one had expired.
    """
    for message in messages:
        await producer.send_and_wait(topic, message, partition=partition)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            found = await ask()
        except UnavailableError as error:
            _log.warning("waiting for the key service", reason=str(error))
            WAITING.labels("keys").set(1)
        else:
            WAITING.labels("keys").set(0)
            return found


def _count(crossing: Crossing) -> None:
    SPLIT_BATCHES.inc()
    for (_, outcome, reason), lines in crossing.outcomes.items():
        LINES.labels(outcome).inc(lines)
        if outcome == "rejected":
            REJECTS.labels(reason).inc(lines)
