"""What an operator is told of a broker is so, and what to do about it helps."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.kafka import grants
from pipeline import policy
from pipeline.clock import system_clock
from pipeline.kafka import client, topics
from pipeline.settings import Kafka
from tests.support.kafka_server import missing
from tests.support.secured_kafka import secured_kafka

pytestmark = pytest.mark.kafka

PATIENCE: Final = 120
Users = dict[str, Kafka]


@pytest.fixture
def users(tmp_path: Path) -> Iterator[Users]:
    """A broker with access rules, as docker-compose.yml has it, still without topics."""
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with secured_kafka(tmp_path / "kafka", grants.stages(grants.declared())) as users:
        yield users


def as_user(kafka: Kafka, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command signed in as somebody."""
    return subprocess.run(
        [sys.executable, *words],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PARTYWALL_KAFKA__BOOTSTRAP": kafka.bootstrap,
            "PARTYWALL_KAFKA__SECURITY": kafka.security,
            "PARTYWALL_KAFKA__USERNAME": str(kafka.username),
            "PARTYWALL_KAFKA__PASSWORD_FILE": str(kafka.password_file),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def apply(users: Users) -> subprocess.CompletedProcess[str]:
    return as_user(users["admin"], "-m", "pipeline", "topics", "apply")


def doctor(users: Users, about: str) -> list[dict[str, Any]]:
    """What doctor says of something, with the rights of `status` and no others."""
    done = as_user(users["status"], "-m", "pipeline", "doctor", "--json")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == any(one["state"] == "problem" for one in found)
    return [one for one in found if one["about"] == about]


async def configure(kafka: Kafka, words: list[str]) -> None:
    """Do what kafka-configs.sh does with such words; it is not among the jars we fetch."""
    alter, topic_word, topic, add, assignment = words
    assert (alter, topic_word, add) == ("--alter", "--topic", "--add-config")
    key, _, value = assignment.partition("=")
    declared = topics.declared(policy.load().current.retention)[topic]
    whole = {**topics.configuration(declared), key: value}  # this request replaces all settings
    admin = client.admin(kafka)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=whole)])
    finally:
        await admin.close()


async def test_apply_ends_well_only_when_the_topics_are_as_declared(
    users: Users,
) -> None:
    """Created, then changed by somebody, then mended by the very command that is printed."""
    made = apply(users)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "created logs.web" in made.stdout
    assert as_user(users["admin"], "-m", "deploy.kafka.grants", "apply").returncode == 0
    assert [one["state"] for one in doctor(users, "topics")] == ["ok"]

    longer = ["--alter", "--topic", "logs.web", "--add-config", "retention.ms=999999999"]
    await configure(users["admin"], longer)
    left = apply(users)
    assert left.returncode == 1
    [said] = left.stdout.splitlines()
    assert "topic logs.web: retention.ms is 999999999, declared is 82800000" in said
    [finding] = doctor(users, "topics")
    assert finding["state"] == "problem", "raw lines would live longer than was promised"
    _, _, command = said.partition(": run kafka-configs.sh ")
    await configure(users["admin"], shlex.split(command))
    assert apply(users).returncode == 0
    assert [one["state"] for one in doctor(users, "topics")] == ["ok"]

    cleanup = ["--alter", "--topic", "rollups", "--add-config", "retention.ms=1000"]
    await configure(users["admin"], cleanup)
    assert apply(users).returncode == 1
    assert [one["state"] for one in doctor(users, "topics")] == ["warning"], "it is anonymous"


async def test_doctor_compares_clocks_by_records_where_no_key_service_answers(
    users: Users,
) -> None:
    assert apply(users).returncode == 0
    assert as_user(users["admin"], "-m", "deploy.kafka.grants", "apply").returncode == 0
    [clock] = doctor(users, "clock")
    assert clock["state"] == "ok"
    assert "cannot be told" in clock["say"]
    now = int(system_clock().timestamp() * 1000)
    async with client.producer(users["ship"]) as producer:
        await producer.send_and_wait("logs.web", b"", partition=2, timestamp_ms=now + 1_800_000)
    [clock] = doctor(users, "clock")
    assert clock["state"] == "problem"
    assert "a record on logs.web was written 1" in clock["say"]
    assert "set the clocks of this machine and of whoever writes there" in clock["say"]
