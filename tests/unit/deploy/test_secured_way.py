"""With the rights of its topic files, and no others, every stage can do its whole work."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.kafka import grants
from pipeline import policy
from pipeline.apps import STAGES
from pipeline.clickhouse.remote import query
from pipeline.kafka import client, topics
from pipeline.settings import Kafka
from tests.support.kafka_server import missing
from tests.support.secured_kafka import secured_kafka

WITHIN: Final = 120.0
LINES: Final = [
    f'192.0.2.{n} - - [17/May/2015:10:05:{n % 60:02d} +0000] "GET /a HTTP/1.1" 200 7 "-" "x"'
    for n in range(1, 101)
]


@pytest.mark.kafka
async def test_a_line_goes_all_the_way_under_access_rules(tmp_path: Path) -> None:
    """Released, sealed and trimmed from the raw topic, each stage under its own name."""
    if reason := missing():
        pytest.skip(reason)
    declared = topics.declared(policy.load().current.retention)
    wanted = grants.declared()
    with secured_kafka(tmp_path / "kafka", grants.stages(wanted)) as users:
        admin = await client.started(
            lambda: client.admin(users["admin"]), AIOKafkaAdminClient.start, 60
        )
        await topics.create(admin, list(declared.values()), replication=1)
        await grants.apply(admin, wanted)
        await grants.settled(admin, wanted)
        await admin.close()
        with _workers(tmp_path, users) as running:
            await _ship(users["ship"])
            await _until(lambda: _is_collected(tmp_path / "collect"), running)
            async with client.consumer(users["admin"], None) as look, asyncio.timeout(WITHIN):
                await _until(lambda: _has_rows(look, declared["rollups"]), running)
                await _until(lambda: _is_trimmed(look, declared["logs.web"]), running)
                await _until(lambda: _is_sealed(tmp_path / "vault"), running)
                await _until(lambda: _is_loaded(tmp_path / "load"), running)


Running = dict[str, "subprocess.Popen[bytes]"]


async def _until(done: Callable[[], Awaitable[bool]], running: Running) -> None:
    """Ask until it is so; a worker that ended will not make it so any more."""
    while not await done():
        ended = {name: process.returncode for name, process in running.items() if process.poll()}
        assert not ended
        await asyncio.sleep(0.1)


def _partitions(topic: topics.Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


async def _has_rows(look: AIOKafkaConsumer, topic: topics.Topic) -> bool:
    return any((await look.end_offsets(_partitions(topic))).values())


async def _is_trimmed(look: AIOKafkaConsumer, topic: topics.Topic) -> bool:
    ends = await look.end_offsets(_partitions(topic))
    return bool(await look.beginning_offsets(_partitions(topic)) == ends)


async def _is_sealed(folder: Path) -> bool:
    return any(folder.rglob("manifest/*"))


async def _is_loaded(folder: Path) -> bool:
    """One process owns the embedded engine: it is asked at the address it gives when ready."""
    first = (folder / "out").read_text(encoding="utf-8").partition("\n")[0]
    if not first:
        return False
    engine = json.loads(first)["engine"]
    rows = await asyncio.to_thread(
        query, engine, "SELECT sum(hits) AS hits FROM analytics.traffic_daily"
    )
    return int(str(rows[0]["hits"])) == len(LINES)


async def _is_collected(folder: Path) -> bool:
    """An event that is posted is acknowledged: 202 comes after that."""
    first = (folder / "out").read_text(encoding="utf-8").partition("\n")[0]
    if not first:
        return False
    url = json.loads(first)["collector"] + "/v1/events?site=shop"
    async with aiohttp.ClientSession() as session, session.post(url, data=b"{}") as answer:
        return answer.status == 202


async def _ship(kafka: Kafka) -> None:
    labels = [("site", b"s"), ("source", b"t"), ("format", b"combined"), ("ingest", b"old")]
    async with client.producer(kafka) as producer:
        text = "\n".join(LINES).encode()
        await producer.send_and_wait(
            "logs.web", text, partition=0, headers=[*labels, ("line", b"1"), ("shipped", b"0")]
        )
        for partition in range(4):
            await producer.send_and_wait(
                "logs.web", b"", partition=partition, headers=[*labels, ("control", b"end")]
            )


@contextmanager
def _workers(folder: Path, users: dict[str, Kafka]) -> Iterator[Running]:
    """Start a process a stage, each with the settings and credentials of its own."""
    token = folder / "token"
    token.write_text(secrets.token_urlsafe(32), encoding="ascii")
    token.chmod(0o600)
    running: Running = {}
    try:
        for stage in STAGES:
            if stage in {"console", "investigations"}:
                continue  # reach no broker, and need somebody who may sign in
            home = folder / stage
            home.mkdir()
            kafka = users.get(stage)
            environment = {
                "PATH": os.environ["PATH"],
                "PARTYWALL_KEYS__URL": f"unix://{folder}/keys.sock",
                "PARTYWALL_KEYS__TOKEN_FILE": str(token),
                "PARTYWALL_VAULT__FLUSH_SECONDS": "0.2",
                "PARTYWALL_K": "10",
                "PARTYWALL_COLLECT__PORT": "0",
                "PARTYWALL_COLLECT__SITES": '{"shop": {}}',
            }
            if kafka is not None:
                environment |= {
                    "PARTYWALL_KAFKA__BOOTSTRAP": kafka.bootstrap,
                    "PARTYWALL_KAFKA__SECURITY": kafka.security,
                    "PARTYWALL_KAFKA__MECHANISM": kafka.mechanism,
                    "PARTYWALL_KAFKA__USERNAME": str(kafka.username),
                    "PARTYWALL_KAFKA__PASSWORD_FILE": str(kafka.password_file),
                }
            with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
                running[stage] = subprocess.Popen(
                    [Path(sys.executable).parent / "partywall", "run", stage],
                    cwd=home,
                    env=environment,
                    stdout=out,
                    stderr=err,
                )
        yield running
    finally:
        for process in running.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
