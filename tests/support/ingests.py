"""What a shipper says of a whole ingest: where it comes, and that it has ended.

Both are messages without a line, with the header ``control``. A backfill that comes on more than
one topic says so on every partition that it uses, before its first line there: otherwise the one
topic's windows could close while the other's lines have not been read yet. A backfill on a single
topic has nothing to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from aiokafka import AIOKafkaProducer

from pipeline.kafka.topics import RAW, Topic

Headers = Sequence[tuple[str, bytes]]


async def begin(
    producer: AIOKafkaProducer,
    labels: Headers,
    topics: Collection[str],
    declared: Mapping[str, Topic],
) -> None:
    """Say on every partition of ``topics`` that the ingest of ``labels`` comes on all of them.

    ``labels`` are the headers site, source, format and ingest of the ingest's messages.
    """
    names = ",".join(sorted(topics)).encode()
    headers = [*labels, ("control", b"begin"), ("topics", names)]
    await _everywhere(producer, headers, topics, declared)


async def end(producer: AIOKafkaProducer, labels: Headers, declared: Mapping[str, Topic]) -> None:
    """Say on every partition of every raw topic that the ingest of ``labels`` sends no more."""
    await _everywhere(producer, [*labels, ("control", b"end")], RAW, declared)


async def _everywhere(
    producer: AIOKafkaProducer,
    headers: Headers,
    topics: Collection[str],
    declared: Mapping[str, Topic],
) -> None:
    for name in sorted(topics):
        for partition in range(declared[name].partitions):
            await producer.send_and_wait(name, b"", partition=partition, headers=list(headers))
