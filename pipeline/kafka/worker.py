"""Faust workers that would rather stop than skip.

Faust acknowledges an event whose agent raised, and restarts the agent: the event is lost. Our
workers are crash-only instead: any error that was not foreseen ends the process before the offset
can be committed, the supervisor starts it again, and the message is read once more.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final

import faust
from faust.types import EventT, StreamT

from pipeline.errors import UnavailableError
from pipeline.kafka import client
from pipeline.logs import get
from pipeline.settings import Kafka

CRASH_EXIT: Final = 70  # sysexits.h: internal software error
_log = get("worker")


def app(stage: str, kafka: Kafka, partitions: int) -> faust.App:
    """Return the Faust app of a stage: bytes in, bytes out, nothing logged, no web server."""
    options: dict[str, object] = {}
    if kafka.security.startswith("SASL"):
        options["broker_credentials"] = faust.SASLCredentials(
            username=kafka.username,
            password=client.password(kafka),
            ssl_context=client.tls(kafka) if kafka.security.endswith("SSL") else None,
            mechanism=kafka.mechanism,
        )
    elif kafka.security == "SSL":
        options["broker_credentials"] = faust.SSLCredentials(client.tls(kafka))
    return faust.App(
        stage,
        broker=[f"kafka://{host}" for host in kafka.bootstrap.split(",")],
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=partitions,
        topic_replication_factor=kafka.replication,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        producer_max_request_size=client.MAX_REQUEST_BYTES,
        producer_acks=-1,
        broker_session_timeout=kafka.session_timeout_ms / 1000,
        broker_heartbeat_interval=max(0.1, kafka.session_timeout_ms / 4000),
        broker_commit_interval=1.0,
        stream_wait_empty=False,
        **options,
    )


def guard(
    handle: Callable[[StreamT[bytes]], Awaitable[None]],
) -> Callable[[StreamT[bytes]], Awaitable[None]]:
    """Wrap an agent's body so that an unforeseen error ends the process."""

    async def agent(stream: StreamT[bytes]) -> None:
        try:
            await handle(stream)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 -- the one place where everything ends
            die(error)

    agent.__name__ = handle.__name__
    agent.__qualname__ = handle.__qualname__
    agent.__module__ = handle.__module__
    return agent


def die(error: BaseException) -> None:
    """Say what happened, without content, and end the process at once."""
    _log.error("the worker stops: it will be started again where it was", error=error)
    os._exit(CRASH_EXIT)


async def patiently(what: str, act: Callable[[], Awaitable[None]]) -> None:
    """Do ``act`` until it works; UnavailableError is waited out with growing pauses."""
    delay = 0.2
    while True:
        try:
            await act()
        except UnavailableError as error:
            _log.warning("waiting", for_=what, reason=str(error), seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)
        else:
            return


def offset(event: EventT[bytes]) -> tuple[int, int]:
    """Return partition and offset of an event."""
    return event.message.partition, event.message.offset


async def send(
    app: faust.App, topic: str, partition: int, value: bytes, key: bytes | None = None
) -> None:
    """Send one message and wait for the broker's acknowledgement."""
    await app.producer.send_and_wait(topic, key, value, partition, None, None)
