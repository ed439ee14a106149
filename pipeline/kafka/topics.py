"""Topics are declared once, under ``schemas/topics``, and created from there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from pipeline import declarations
from pipeline.errors import UnavailableError
from pipeline.policy import Retention

WEB: Final = "logs.web"
WIDGET: Final = "logs.widget"
RAW: Final = (WEB, WIDGET)
"""The topics of raw lines."""

READ_BY: Final[dict[str, tuple[str, ...]]] = {
    "split": RAW,
    "vault": ("vault.sealed",),
    "rollup": ("events",),
    "release": ("cells",),
    "load": ("rollups",),
}
"""Each stage's consumer group, which bears its name, and the topics it reads."""

_HOUR_MS: Final = 3_600_000
_EXISTS: Final = 36  # the protocol's TOPIC_ALREADY_EXISTS
_REFUSED: Final = 29  # the protocol's TOPIC_AUTHORIZATION_FAILED
_CONTROLLER_SETTLES: Final = 30.0
_LONGEST: Final = "max.message.bytes"
_NOBODYS: Final = {"anonymous", "internal"}
"""Tiers whose records are about no person."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One declared topic; ``retention_hours`` is None where the topic is compacted for good."""

    name: str
    tier: str
    partitions: int
    retention_hours: int | None
    cleanup: str
    max_message_bytes: int
    writers: tuple[str, ...]
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a topic is not as declared; ``say`` tells how to mend it too.

    ``grave``: a stage cannot work so, or records of people live longer than was promised.
    """

    say: str
    grave: bool


@cache
def declared(retention: Retention) -> dict[str, Topic]:
    """Return every declared topic by name, with the policy's retention filled in."""
    files = sorted((declarations.folder() / "topics").glob("*.yaml"))
    topics = [_topic(yaml.safe_load(f.read_text(encoding="utf-8")), retention) for f in files]
    return {topic.name: topic for topic in topics}


def _topic(entry: dict[str, object], retention: Retention) -> Topic:
    hours = entry.get("retention")
    if isinstance(hours, dict):
        name = str(hours["policy"])
        value = int(getattr(retention, name))
        hours = value * 24 if name.endswith("_days") else value
    return Topic(
        name=str(entry["name"]),
        tier=str(entry["tier"]),
        partitions=int(str(entry["partitions"])),
        retention_hours=None if hours is None else int(str(hours)),
        cleanup=str(entry["cleanup"]),
        max_message_bytes=int(str(entry["max_message_bytes"])),
        writers=tuple(str(s) for s in _names(entry["writers"])),
        readers=tuple(str(s) for s in _names(entry["readers"])),
    )


def _names(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def sources(topic: Topic) -> tuple[str, ...]:
    """Return the name of each partition of a topic as events and seals carry it."""
    return tuple(f"{topic.name}:{partition}" for partition in range(topic.partitions))


def raw_sources(declared: Mapping[str, Topic]) -> tuple[str, ...]:
    """Return the names of all partitions that raw lines come on."""
    return tuple(source for name in RAW for source in sources(declared[name]))


def configuration(topic: Topic) -> dict[str, str]:
    """Return the broker's settings for a topic.

    A broker deletes whole segments, and never the one it writes to: without ``segment.ms`` a quiet
    topic would keep records for a week. A segment spans an hour, so that hour is taken off.
    """
    settings = {
        "cleanup.policy": topic.cleanup,
        _LONGEST: str(topic.max_message_bytes),
    }
    if topic.retention_hours is not None:
        settings["retention.ms"] = str(topic.retention_hours * _HOUR_MS - _HOUR_MS)
        settings["segment.ms"] = str(_HOUR_MS)
    if "compact" in topic.cleanup:
        # A compacted state must forget quickly what was deleted from it.
        settings["segment.ms"] = str(_HOUR_MS)
        settings["delete.retention.ms"] = str(_HOUR_MS)
    return settings


async def create(admin: AIOKafkaAdminClient, topics: list[Topic], replication: int) -> list[str]:
    """Create those that are missing and return their names; raises UnavailableError."""
    wanted = [
        NewTopic(t.name, t.partitions, replication, topic_configs=configuration(t)) for t in topics
    ]
    response = await admin.create_topics(wanted)
    made: list[str] = []
    for name, code, *_ in response.topic_errors:
        if code == 0:
            made.append(name)
        elif code != _EXISTS:
            raise UnavailableError(f"topic {name} cannot be created: broker error {code}")
    return made


async def seen(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Return once the broker knows of topics that the controller has just created."""
    async with asyncio.timeout(_CONTROLLER_SETTLES):
        while any(topic["error_code"] for topic in await admin.describe_topics(names)):  # noqa: ASYNC110 -- only the broker knows
            await asyncio.sleep(0.05)


async def differences(admin: AIOKafkaAdminClient, topics: list[Topic]) -> list[Difference]:
    """Return each way in which the broker's topics are not as declared."""
    found: list[Difference] = []
    described = {d["topic"]: d for d in await admin.describe_topics([t.name for t in topics])}
    for topic in topics:
        there = described.get(topic.name)
        if there is not None and there["error_code"] == _REFUSED:
            found.append(_refused(topic))
            continue
        if there is None or there["error_code"]:
            say = f"topic {topic.name} is missing: run `partywall topics apply`"
            found.append(Difference(say, grave=True))
            continue
        count = len(there["partitions"])
        if count != topic.partitions:
            # States are kept by partition, so a number is not changed under a stage at work.
            say = (
                f"topic {topic.name} has {count} partitions, declared are {topic.partitions}: when "
                "it is read to its end delete it, and run `partywall topics apply`"
            )
            found.append(Difference(say, grave=True))
        found += await _setting_differences(admin, topic)
    return found


async def _setting_differences(admin: AIOKafkaAdminClient, topic: Topic) -> list[Difference]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    have: dict[str, str] = {}
    for response in await admin.describe_configs([resource]):
        for code, _, _, _, entries in response.resources:
            if code:
                return [_refused(topic)]
            have |= {config[0]: config[1] for config in entries}
    return [
        _unlike(topic, key, have[key], value)
        for key, value in configuration(topic).items()
        if key in have and have[key] != value
    ]


def _unlike(topic: Topic, key: str, have: str, want: str) -> Difference:
    given = f"[{want}]" if "," in want else want
    return Difference(
        f"topic {topic.name}: {key} is {have}, declared is {want}: run kafka-configs.sh --alter "
        f"--topic {topic.name} --add-config {key}={given}",
        # Here a record would live longer than was promised, or a message not fit.
        grave=topic.tier not in _NOBODYS or key == _LONGEST,
    )


def _refused(topic: Topic) -> Difference:
    say = f"topic {topic.name} may not be looked at: sign in as `status` or as an administrator"
    return Difference(say, grave=False)
