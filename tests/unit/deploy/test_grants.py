"""On the broker of docker-compose.yml a stage can do what its topic files say, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from deploy.kafka import grants
from pipeline import policy
from pipeline.kafka import client, topics
from pipeline.settings import Kafka
from tests.support.kafka_server import missing
from tests.support.secured_kafka import secured_kafka

STRIMZI = Path("deploy/kubernetes/strimzi/kafka.yaml")


def test_manifests_grant_what_the_topic_files_say() -> None:
    """The committed Strimzi manifests are those that the topic files give."""
    written = (Path(__file__).parents[3] / STRIMZI).read_text(encoding="utf-8")
    assert written == grants.strimzi(grants.declared()), (
        f"run: .venv/bin/python -m deploy.kafka.grants strimzi > {STRIMZI}"
    )
    users = [d for d in yaml.safe_load_all(written) if d["kind"] == "KafkaUser"]
    assert [u["metadata"]["name"] for u in users] == grants.stages(grants.declared())


def test_no_stage_reads_both_sides_of_a_door() -> None:
    """Whoever reads raw or sealed topics reads nothing beyond; only split writes across door 1."""
    tiers = {t.name: t.tier for t in topics.declared(policy.load().current.retention).values()}
    can: dict[tuple[str, str], set[str]] = {}
    for grant in grants.declared():
        if grant.kind == "topic":
            can.setdefault((grant.stage, grant.operation), set()).add(tiers[grant.name])
    for (stage, operation), reach in can.items():
        if operation == "Read":
            assert len(reach) == 1 or reach == {"pseudonymous"}, (stage, reach)
        if operation == "Write" and reach & {"pseudonymous", "anonymous"}:
            assert "raw" not in can.get((stage, "Read"), set()) or stage == "split"
    assert can["split", "Write"] == {"pseudonymous", "sealed"}
    assert can["vault", "Read"] == {"sealed"}
    assert can["load", "Read"] == {"anonymous"}
    assert ("vault", "Write") not in can
    assert ("load", "Write") not in can


@pytest.mark.kafka
async def test_the_broker_refuses_everything_else(tmp_path: Path) -> None:
    """Every stage tries every topic, writing and reading; what works is what is declared."""
    if reason := missing():
        pytest.skip(reason)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it is refused on purpose
    wanted = grants.declared()
    names = grants.stages(wanted)
    declared = topics.declared(policy.load().current.retention)
    with secured_kafka(tmp_path, names) as users:
        async with _admin(users["admin"]) as admin:
            await topics.create(admin, list(declared.values()), replication=1)
            assert await grants.apply(admin, wanted) == (len(wanted), 0)
            await grants.settled(admin, wanted)
            assert await grants.apply(admin, wanted) == (0, 0)
        # What an operator may do everywhere, so that there is something to read everywhere.
        assert len(await _writable("admin", users["admin"], list(declared))) == len(declared)
        found: set[grants.Grant] = set()
        for stage in names:
            found |= await _writable(stage, users[stage], list(declared))
            found |= await _readable(stage, users[stage], list(declared))
            found |= await _groups(stage, users[stage], names)
        tried = {g for g in wanted if g.operation in {"Read", "Write"}}
        assert found == tried
        async with _admin(users["admin"]) as admin:
            fewer = [g for g in wanted if g.stage != "ship"]
            assert await grants.apply(admin, fewer) == (0, len(wanted) - len(fewer))
            await grants.settled(admin, fewer)
        assert await _writable("ship", users["ship"], list(declared)) == set()


@asynccontextmanager
async def _admin(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = await client.started(
        lambda: client.admin(kafka), lambda made: made.start(), patience=60.0
    )
    try:
        yield admin
    finally:
        await admin.close()


async def _writable(stage: str, kafka: Kafka, names: list[str]) -> set[grants.Grant]:
    done: set[grants.Grant] = set()
    async with client.producer(kafka.model_copy(update={"idempotence": False})) as producer:
        for name in names:
            try:
                await producer.send_and_wait(name, b"x", key=b"k", partition=0)
            except TopicAuthorizationFailedError:
                continue
            done.add(grants.Grant(stage, "topic", name, "Write"))
    return done


async def _readable(stage: str, kafka: Kafka, names: list[str]) -> set[grants.Grant]:
    done: set[grants.Grant] = set()
    for name in names:
        async with client.consumer(kafka, None) as consumer:
            partition = TopicPartition(name, 0)
            consumer.assign([partition])
            consumer.seek(partition, 0)
            await consumer._client.force_metadata_update()
            if consumer.partitions_for_topic(name) is None:
                continue  # it may not even know that the topic is there
            try:
                got = await consumer.getmany(timeout_ms=10_000)
            except TopicAuthorizationFailedError:
                continue
            assert got, f"{stage} may read {name} and gets nothing"
            done.add(grants.Grant(stage, "topic", name, "Read"))
    return done


async def _groups(stage: str, kafka: Kafka, names: list[str]) -> set[grants.Grant]:
    done: set[grants.Grant] = set()
    for name in names:
        consumer = client.consumer(kafka, name)
        try:
            async with asyncio.timeout(20), consumer:
                # Describe lets a stage look at a group's offsets; only Read lets it move them.
                consumer.assign([TopicPartition("logs.web", 0)])
                await consumer.commit({TopicPartition("logs.web", 0): 1})
        except GroupAuthorizationFailedError:
            continue
        except TopicAuthorizationFailedError:
            pass
        done.add(grants.Grant(stage, "group", name, "Read"))
    return done
