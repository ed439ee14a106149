"""A damaged message stops the vault's worker, and what operations.md says to do lets it go on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from pipeline.clock import system_clock
from pipeline.kafka import client
from pipeline.restricted.seal import seal
from pipeline.settings import Kafka
from pipeline.vault.check import check
from pipeline.vault.status import vault_status
from pipeline.vault.storage import LocalStorage
from tests.support.group import Group
from tests.support.kafka_server import KafkaServer
from tests.unit.sealed.records import START, day_key, records

pytestmark = pytest.mark.kafka


def test_what_is_past_a_damaged_message_is_stored_once_the_broker_has_dropped_it(
    broker: KafkaServer, tmp_path: Path
) -> None:
    vault = LocalStorage(tmp_path / "vault")
    today = int(system_clock().timestamp()) // 86_400
    key = replace(day_key().key, key_id=f"{today}-1", day=today)  # else its time would be past
    first, last = (
        seal(records(range(n, n + 5)), key, source="logs.web:0", hour=START)[0] for n in (0, 5)
    )
    settings = {"vault": {"flush_seconds": 5}}
    with Group(tmp_path / "group", broker, tmp_path / "vault", settings=settings) as group:
        group.add("vault")
        kafka = group.client_settings()
        asyncio.run(_send(kafka, [first, b"no sealed message", last]))
        group.until("it stops at what is damaged", lambda: len(group.crashes) >= 2)
        assert vault_status(vault)["records"] == 5, "what came before it is stored"
        asyncio.run(_drop(kafka, 2))
        group.until("it goes on behind it", lambda: vault_status(vault)["partitions"] == {"0": 2})
        assert vault_status(vault)["records"] == 10
    assert check(vault) == []
    [log] = (tmp_path / "group").glob("vault-*.log")
    said = log.read_text()
    assert '"partition": 0, "offset": 1, "event": "a sealed message is damaged"' in said
    assert "no sealed message" not in said


async def _send(kafka: Kafka, messages: list[bytes]) -> None:
    producer = client.producer(kafka)
    await producer.start()
    try:
        for message in messages:
            await producer.send_and_wait("vault.sealed", message, partition=0)
    finally:
        await producer.stop()


async def _drop(kafka: Kafka, before: int) -> None:
    admin = await client.started(lambda: client.admin(kafka), AIOKafkaAdminClient.start, 60)
    try:
        await admin.delete_records({TopicPartition("vault.sealed", 0): RecordsToDelete(before)})
    finally:
        await admin.close()
