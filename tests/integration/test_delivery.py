"""What may have arrived is sent again, and a broker that has it stores it once.

The broker's own memory is what carries this, so it is asked here: after its records were deleted,
after it was restarted, and with aiokafka's producer given an id and numbers of ours.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import NotLeaderForPartitionError

from pipeline import policy
from pipeline.apps.embedded import Group
from pipeline.clock import system_clock
from pipeline.kafka import client, topics
from pipeline.kafka.reading import read_all
from pipeline.restricted.lines import Label, Labeller, RawMessages, explode
from pipeline.settings import Kafka
from pipeline.shipping.batches import TOPIC, Batch, Tags
from pipeline.shipping.chunks import Chunk
from pipeline.shipping.delivery import delivery
from pipeline.shipping.resume import Pending
from tests.support.kafka_server import KafkaServer, missing

PARTITIONS = 4
TAGS = Tags("shop", "web-1", "combined", "live")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker of these tests' own: it is restarted, and there is one name for the raw topic."""
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as running:
        asyncio.run(_topic(Kafka(bootstrap=running.bootstrap)))
        yield running


@pytest.fixture
async def server(broker: KafkaServer) -> KafkaServer:
    """The broker without a record."""
    await trim(Kafka(bootstrap=broker.bootstrap))
    return broker


async def _topic(kafka: Kafka) -> None:
    wanted = topics.declared(policy.load().current.retention)[TOPIC]
    async with _admin(kafka) as admin:
        await topics.create(admin, [wanted], replication=1)
        await topics.seen(admin, [TOPIC])


@asynccontextmanager
async def _admin(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = await client.started(lambda: client.admin(kafka), AIOKafkaAdminClient.start, 30)
    try:
        yield admin
    finally:
        await admin.close()


def batches(first: int, count: int, *, alone: bool = False) -> list[Batch]:
    """Batches of three lines, numbered from ``first``."""
    made = []
    for number in range(first, first + count):
        value = b"".join(b"line %d of %d\n" % (at, number) for at in range(3))
        chunk = Chunk(value, number * 3 + 1, 3, (number + 1) * 100)
        sent = Pending(0, 1, number * 100, (number + 1) * 100, "", chunk.first, 3, alone,
                       0, 0, -1, 0, 0, "", "", -1, TAGS.text())  # fmt: skip
        made.append(Batch(chunk, TAGS, sent))
    return made


async def stored(kafka: Kafka) -> Counter[bytes]:
    """How often each line is in the topic."""
    found: Counter[bytes] = Counter()
    async for record in read_all(kafka, TOPIC, PARTITIONS):
        found.update(record.value.removesuffix(b"\n").split(b"\n"))
    return found


async def trim(kafka: Kafka) -> None:
    """Delete every record, as split does once it has committed."""
    everything = {TopicPartition(TOPIC, p): RecordsToDelete(before_offset=-1) for p in range(4)}
    async with _admin(kafka) as admin, asyncio.timeout(30):
        while True:
            try:
                await admin.delete_records(everything)
            except NotLeaderForPartitionError:
                await asyncio.sleep(0.05)  # of a topic that was just created; only the broker knows
            else:
                return


def lines(made: list[Batch]) -> Counter[bytes]:
    return Counter(x for one in made if one.chunk for x in one.chunk.value.splitlines())


@pytest.mark.kafka
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("arrived", [0, 1, 7, 20])
async def test_a_window_that_arrived_in_part_is_completed(
    server: KafkaServer, arrived: int, alone: bool
) -> None:
    kafka = Kafka(bootstrap=server.bootstrap)
    async with delivery(kafka, PARTITIONS, system_clock) as killed:
        before = await killed.number(batches(0, 20, alone=alone))
        await killed.send(before)
        window = await killed.number(batches(20, 20, alone=alone))
        await killed.send(window[:arrived])
    async with delivery(kafka, PARTITIONS, system_clock) as next_:
        assert await next_.again(window) == []
        assert await next_.again(window) == []
        after = await next_.number(batches(40, 20, alone=alone))
        await next_.send(after)
    assert await stored(kafka) == lines(before) + lines(window) + lines(after)


@pytest.mark.kafka
async def test_the_broker_knows_what_it_had_also_where_the_records_are_gone(
    server: KafkaServer,
) -> None:
    """Split has taken them, and had them deleted; the broker has been restarted since."""
    kafka = Kafka(bootstrap=server.bootstrap)
    async with delivery(kafka, PARTITIONS, system_clock) as killed:
        window = await killed.number(batches(0, 20))
        await killed.send(window[:13])
    await trim(kafka)
    for restart in (False, True):
        if restart:
            server.restart()
        async with delivery(kafka, PARTITIONS, system_clock) as next_:
            assert await next_.again(window) == []
        assert await stored(kafka) == lines(window[13:])


@pytest.mark.kafka
@pytest.mark.parametrize("arrived", [0, 5, 6, 12])
async def test_what_nobody_has_any_more_is_known_to_be_there_or_not(
    server: KafkaServer, arrived: int
) -> None:
    """A message without a line takes the place of a batch whose file is gone, or finds it taken."""
    kafka = Kafka(bootstrap=server.bootstrap)
    async with delivery(kafka, PARTITIONS, system_clock) as killed:
        window = await killed.number(batches(0, 12))
        await killed.send(window[:arrived])
    async with delivery(kafka, PARTITIONS, system_clock) as next_:
        ends = await next_.ends()
        gone = [
            replace(b, chunk=None, sent=replace(b.sent, after=ends[b.sent.partition] - 1))
            if at in {2, 5} else b
            for at, b in enumerate(window)
        ]  # fmt: skip
        vacant = await next_.again(gone)
        # Killed before it could keep that: the next one asks again.
        assert len(await next_.again([replace(b, again=True) for b in gone])) == len(vacant)
    assert {b.sent.start for b in vacant} == {at * 100 for at in (2, 5) if at >= arrived}
    there = [b for at, b in enumerate(window) if at not in {2, 5} or at < arrived]
    found = await stored(kafka)
    assert found.pop(b"", 0) == len(vacant)
    assert found == lines(there)


def test_a_message_that_only_takes_a_place_is_no_line_and_ends_nothing() -> None:
    """Not even where the settings have an ingest of their own for what says nothing."""
    [one] = batches(0, 1, alone=True)
    filler = replace(one, chunk=None, sent=replace(one.sent, records=2))
    made = list(filler.messages(system_clock()))
    assert len(made) == 2
    messages = RawMessages(
        f"{TOPIC}:0", [0, 1], [value for value, _ in made], [headers for _, headers in made]
    )
    found = explode(messages, Labeller(Label("a", "b", "combined", "backfill-1")))
    assert (found.frame.height, found.said.ended, found.messages) == (0, [], 2)


@pytest.mark.kafka
async def test_another_broker_is_not_asked_for_what_it_cannot_know(server: KafkaServer) -> None:
    """A producer's id there is somebody else's."""
    kafka = Kafka(bootstrap=server.bootstrap)
    async with delivery(kafka, PARTITIONS, system_clock) as one:
        window = await one.number(batches(0, 4))
        await one.send(window)
        elsewhere = [replace(b, sent=replace(b.sent, broker="elsewhere")) for b in window]
        assert await one.again(elsewhere) == elsewhere


@pytest.mark.kafka
async def test_a_connection_that_is_begun_again_sends_nothing_twice(server: KafkaServer) -> None:
    kafka = Kafka(bootstrap=server.bootstrap)
    async with delivery(kafka, PARTITIONS, system_clock) as one:
        window = await one.number(batches(0, 20))
        await one.send(window)
        await one._begin_again()
        await one._in_order(one._ready(), list(window), [])
        more = await one.number(batches(20, 20))
        await one.send(more)
    assert await stored(kafka) == lines(window) + lines(more)


async def test_a_broker_that_keeps_no_numbers_is_asked_for_its_records(tmp_path: Path) -> None:
    """The embedded one."""
    async with Group(tmp_path / "data", processes=()) as group:
        kafka = group.kafka()
        async with delivery(kafka, PARTITIONS, system_clock) as killed:
            before = await killed.number(batches(0, 8))
            await killed.send(before)
            window = await killed.number(batches(8, 20, alone=True))
            await killed.send(window[:7])
        async with delivery(kafka, PARTITIONS, system_clock) as next_:
            fresh = await next_.again(window)
            assert [b.sent.start for b in fresh] == [b.sent.start for b in window[7:]]
            await next_.send(await next_.number(fresh))
        assert await stored(kafka) == lines(before) + lines(window)
