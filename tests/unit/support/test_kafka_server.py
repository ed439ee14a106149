"""The broker that the integration tests stand on keeps what it acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.kafka_server import KafkaServer, free_ports, missing

pytestmark = pytest.mark.kafka

MESSAGES = [f"message {n}".encode() for n in range(5)]


async def _create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _produce(bootstrap: str, topic: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for message in MESSAGES:
            await producer.send_and_wait(topic, message)


async def _consume(bootstrap: str, topic: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    partition = TopicPartition(topic, 0)
    async with consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        got: list[bytes] = []
        while await consumer.position(partition) < end:
            batches = await consumer.getmany(timeout_ms=1000)
            got += [record.value for records in batches.values() for record in records]
        return got


async def test_messages_survive_kill_9_and_restart_on_the_same_port(tmp_path: Path) -> None:
    """What was acknowledged before SIGKILL is read after the restart, at the same address."""
    if reason := missing():
        pytest.skip(reason)
    with KafkaServer(tmp_path) as kafka:
        address = kafka.bootstrap
        await _create(address, "kept")
        await _produce(address, "kept")
        assert await _consume(address, "kept") == MESSAGES
        kafka.kill()
        kafka.start()
        assert kafka.bootstrap == address
        assert await _consume(address, "kept") == MESSAGES
        kafka.pause()
        kafka.resume()
        assert await _consume(address, "kept") == MESSAGES


async def test_shared_broker_has_room_for_each_test(kafka: KafkaServer, topic_prefix: str) -> None:
    """The session's broker serves a test under a prefix of its own."""
    await _create(kafka.bootstrap, f"{topic_prefix}.one")
    await _produce(kafka.bootstrap, f"{topic_prefix}.one")
    assert await _consume(kafka.bootstrap, f"{topic_prefix}.one") == MESSAGES


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A wrong setting ends in the broker's own words, not in a time-out."""
    if reason := missing():
        pytest.skip(reason)
    with pytest.raises(RuntimeError, match=r"log\.retention\.hours"):
        KafkaServer(tmp_path, {"log.retention.hours": "soon"}).start()


def test_free_ports_are_distinct_and_outside_the_ephemeral_range() -> None:
    """A restart finds its port free, since no outgoing connection can be given it."""
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(port < 32768 for port in ports)
