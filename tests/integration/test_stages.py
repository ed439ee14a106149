"""Single stages on a real broker: what they keep there comes back as it was."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from pipeline import events, policy
from pipeline.events import EventsHeader
from pipeline.kafka import client, topics
from pipeline.kafka.reading import read_all, read_one, reader
from pipeline.kafka.runs import RunLog
from pipeline.labels import LIVE
from pipeline.rows import HOUR, MINUTE, decode_cells
from pipeline.settings import Kafka
from tests.support.group import Group
from tests.support.kafka_server import KafkaServer

pytestmark = pytest.mark.kafka

START = 20_000 * 24 * HOUR
SOURCES = topics.raw_sources(topics.declared(policy.load().current.retention))
_COMPACT_AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "200",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "200",
    "max.compaction.lag.ms": "200",
}


class Topic:
    """A changelog as the workers keep it, written by a plain producer."""

    def __init__(self, kafka: Kafka, topic: str, producer: AIOKafkaProducer) -> None:
        self.kafka, self.topic, self.producer = kafka, topic, producer

    async def read(self, partition: int) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        async with reader(self.kafka) as consumer:
            async for record in read_one(consumer, TopicPartition(self.topic, partition)):
                found.pop(record.key, None)
                if record.value is not None:
                    found[record.key] = record.value
        return found

    async def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        await self.producer.send_and_wait(self.topic, value, key, partition)

    async def records(self) -> int:
        count = 0
        async for _ in read_all(self.kafka, self.topic, 1):
            count += 1
        return count


async def test_a_compacted_log_of_runs_says_the_same(broker: KafkaServer) -> None:
    """The broker may forget every older value and every deletion: the state stays what it was."""
    kafka = Kafka(bootstrap=broker.bootstrap)
    async with _producer(kafka) as producer:
        await _create(kafka, "runs", _COMPACT_AT_ONCE)
        store = Topic(kafka, "runs", producer)
        log = await RunLog.open(store, 0)
        for offset in range(120):
            await log.append(offset, b"%d" % offset * 100)
            if len(log.spans) > 8:
                chosen = log.spans[2:6]
                await log.merge(chosen, b"merged")
            if offset % 20 == 19:
                await log.drop_before(log.spans[3])
        before = list((await RunLog.open(store, 0)).read())
        written = await store.records()
        async with asyncio.timeout(60):
            while await store.records() > written // 3:
                await store.put(0, b"119:119", None)  # the newest segment is never compacted
                await asyncio.sleep(0.3)
        after = await RunLog.open(store, 0)
        assert list(after.read()) == before
        assert after.position == 119


def test_a_rollup_goes_on_from_its_runs_through_kills_and_zombies(
    broker: KafkaServer, tmp_path: Path
) -> None:
    """Killed between batches that overlap, with the leavings of a zombie in its changelog.

    No row of a source is older than one that it has said before, so none is late for its minute.
    """
    with Group(tmp_path / "group", broker, tmp_path / "vault") as group:
        worker = group.add("rollup")
        group.await_ready()
        truth: Counter[tuple[int, str]] = Counter()
        draw = random.Random(5)
        sent = dict.fromkeys(SOURCES, 0)
        for life in range(4):
            messages = [_batch(draw, sent, truth) for _ in range(12)]
            if life == 3:
                messages += [_end(source, sent[source]) for source in SOURCES]
            asyncio.run(_send(group.client_settings(), messages))
            if life < 3:
                before = group.committed("rollup")
                group.until("it commits", lambda b=before: group.committed("rollup") > b)  # type: ignore[misc]
                group.kill(worker)
                asyncio.run(_haunt(group.client_settings()))
        group.until("all is read", lambda: group.lag("rollup") == 0)
        assert asyncio.run(_counted(group.client_settings(), "hour", HOUR)) == _by(truth, HOUR)
        assert asyncio.run(_counted(group.client_settings(), "minute", MINUTE)) == _by(
            truth, MINUTE
        )


def test_a_rollup_that_is_told_to_stop_commits_no_more_than_it_has_done(
    broker: KafkaServer, tmp_path: Path
) -> None:
    """With work in hand, again and again: what it was at is left to its successor."""
    with Group(tmp_path / "group", broker, tmp_path / "vault") as group:
        draw = random.Random(6)
        sent = dict.fromkeys(SOURCES, 0)
        truth: Counter[tuple[int, str]] = Counter()
        kafka = group.client_settings()
        before = 0
        for _ in range(5):
            asyncio.run(_send(kafka, [_batch(draw, sent, truth) for _ in range(60)]))
            worker = group.add("rollup")
            group.await_ready()
            group.until("it commits", lambda b=before: group.committed("rollup") > b)  # type: ignore[misc]
            group.remove(worker)
            worker.process.wait(60)
            before = group.committed("rollup")
            assert before <= asyncio.run(_position(kafka)) + 1


async def _position(kafka: Kafka) -> int:
    """Return the last offset that the state of partition 0 covers."""
    async with _producer(kafka) as producer:
        return (await RunLog.open(Topic(kafka, "rollup-runs-changelog", producer), 0)).position


def _batch(draw: random.Random, sent: dict[str, int], truth: Counter[tuple[int, str]]) -> bytes:
    """A batch of a source, from a place it has said before; only new rows count."""
    source = draw.choice(SOURCES)
    begin = max(0, sent[source] - draw.randrange(30))
    end = sent[source] + draw.randrange(1, 40)
    rows = [_row(source, offset) for offset in range(begin, end)]
    for row in rows[sent[source] - begin :]:
        truth[row["time"], row["segment"]] += 1
    sent[source] = end
    frame = pl.DataFrame(rows, schema=events.SCHEMA)
    return events.encode(EventsHeader(source, end - 1, LIVE, rows[-1]["time"]), frame)


def _row(source: str, offset: int) -> dict[str, Any]:
    draw = random.Random(f"{source}/{offset}")
    row: dict[str, Any] = {
        name: f"{name} {draw.randrange(3)}" if kind == pl.String else draw.randrange(3)
        for name, kind in events.SCHEMA.items()
    }
    return row | {"offset": offset, "line": 0, "policy": 1, "time": START + 60 * offset}


def _end(source: str, offset: int) -> bytes:
    return events.encode(EventsHeader(source, offset, LIVE, None, end=True), events.EMPTY)


async def _send(kafka: Kafka, messages: list[bytes]) -> None:
    async with _producer(kafka) as producer:
        for message in messages:
            await producer.send_and_wait("events", message, partition=0)


async def _haunt(kafka: Kafka) -> None:
    """Write again what a halted worker might: every run there ever was, deleted ones too."""
    old = [
        record
        async for record in read_all(kafka, "rollup-runs-changelog", 4)
        if record.value is not None and record.partition == 0
    ]
    async with _producer(kafka) as producer:
        for record in old[: len(old) * 2 // 3]:
            await producer.send_and_wait(
                "rollup-runs-changelog", record.value, record.key, partition=0
            )


async def _counted(kafka: Kafka, column: str, unit: int) -> Counter[tuple[int, str]]:
    """Add cells or minutes up as the release does: each row of a cut once."""
    found: Counter[tuple[int, str]] = Counter()
    taken: dict[tuple[int, int], set[int]] = {}
    async for record in read_all(kafka, "cells", 4):
        header, rows = decode_cells(record.value)
        if header.minutes != (unit == MINUTE):
            continue
        seen = taken.setdefault((record.partition, header.position), set())
        numbered = rows.select(column, "segment", "hits").rows()
        for number, (start, segment, hits) in enumerate(numbered, header.first):
            if number not in seen:
                seen.add(number)
                found[start, segment] += hits
    return found


def _by(truth: Counter[tuple[int, str]], unit: int) -> Counter[tuple[int, str]]:
    """Return rows counted by windows."""
    found: Counter[tuple[int, str]] = Counter()
    for (time, segment), count in truth.items():
        found[time // unit * unit, segment] += count
    return found


@asynccontextmanager
async def _producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    producer = client.producer(kafka)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _create(kafka: Kafka, topic: str, settings: dict[str, str]) -> None:
    admin = client.admin(kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])
    finally:
        await admin.close()


async def test_reading_a_partition_ends_at_its_end(broker: KafkaServer) -> None:
    """Also where nothing was ever written: a state that is not there is found to be empty."""
    kafka = Kafka(bootstrap=broker.bootstrap)
    await _create(kafka, "empty", {})
    async with _producer(kafka) as producer:
        assert await Topic(kafka, "empty", producer).read(0) == {}
