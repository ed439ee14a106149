"""Whether this machine's clock agrees with those of others, as far as that can be told from here.

The key service and a ClickHouse server tell their time when asked. A broker does not: it keeps the
time at which each record was written, by its writer's clock. A record from the future betrays a
clock that differs; where there is none, this clock may still be ahead of all others.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from pipeline.cli.findings import Finding
from pipeline.errors import UnavailableError
from pipeline.kafka.reading import PATIENCE, reader
from pipeline.settings import Kafka

_SKEW_SECONDS: Final = 60


def compared(whose: str, theirs: int, ours: int) -> Finding:
    """Judge another's clock against ours, both in seconds since 1970 UTC."""
    skew = abs(theirs - ours)
    if skew <= _SKEW_SECONDS:
        return Finding("clock", "ok", f"{skew} s apart from {whose}")
    say = f"{skew} s apart from {whose}: set the clocks by NTP, keys and windows live by them"
    return Finding("clock", "problem", say)


async def of_records(
    kafka: Kafka, admin: AIOKafkaAdminClient, topics: list[str], ours: int
) -> Finding:
    """Look for records that were written later than now.

    Asked is for offsets by time, never for a message: the right to describe a topic is enough.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            found = await _from_the_future(kafka, await _there(admin, topics), ours)
    except Exception as error:  # noqa: BLE001 -- a broker may lack what we ask for
        say = f"cannot be compared by the broker's records ({type(error).__name__})"
        return Finding("clock", "warning", say)
    if not found:
        return Finding(
            "clock",
            "ok",
            "no record on the broker is from the future; whether this clock is ahead of all who "
            "write there cannot be told from that",
        )
    where, written = max(found.items(), key=lambda entry: entry[1])
    return Finding(
        "clock",
        "problem",
        f"a record on {where} was written {written - ours} s from now: set the clocks of this "
        "machine and of whoever writes there by NTP",
    )


async def _there(admin: AIOKafkaAdminClient, topics: list[str]) -> list[TopicPartition]:
    """Return what there is of the topics: asked for a partition that is not, a client hangs."""
    return [
        TopicPartition(found["topic"], partition["partition"])
        for found in await admin.describe_topics(topics)
        if not found["error_code"]
        for partition in found["partitions"]
    ]


async def _from_the_future(
    kafka: Kafka, partitions: list[TopicPartition], ours: int
) -> dict[str, int]:
    """Return by topic the time of a record that is past what two clocks may differ."""
    async with reader(kafka) as consumer:
        late = (ours + _SKEW_SECONDS) * 1000
        answers = await consumer.offsets_for_times(dict.fromkeys(partitions, late))
    found = {tp.topic: at.timestamp for tp, at in answers.items() if at is not None}
    if any(written < late for written in found.values()):
        raise UnavailableError("the broker does not look records up by their time")
    return {topic: written // 1000 for topic, written in found.items()}
