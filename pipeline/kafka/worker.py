"""Faust workers that would rather stop than skip.

Faust acknowledges an event whose agent raised, and restarts the agent: the event is lost. Our
workers are crash-only instead: any error that was not foreseen ends the process before the offset
can be committed, the supervisor starts it again, and the message is read once more. It also
acknowledges what was in hand when the agent was told to stop, and commits that; so our workers say
themselves what is done.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

import faust
from faust.types import TP, EventT, StreamT

from pipeline.errors import CRASH_EXIT, IntegrityError, UnavailableError
from pipeline.kafka import client
from pipeline.logs import get
from pipeline.metrics import WAITING
from pipeline.settings import Kafka

_log = get("worker")
T = TypeVar("T")


def _credentials(kafka: Kafka) -> faust.SASLCredentials | faust.SSLCredentials | None:
    context = client.tls(kafka) if kafka.security.endswith("SSL") else None
    if kafka.security.startswith("SASL"):
        return faust.SASLCredentials(
            username=kafka.username,
            password=client.password(kafka),
            ssl_context=context,
            mechanism=kafka.mechanism,
        )
    return faust.SSLCredentials(context) if context is not None else None


class _App(faust.App):
    """Keeps its state on the broker: Faust's folders for tables would stay empty."""

    def _create_directories(self) -> None:
        return


def app(stage: str, kafka: Kafka, partitions: int) -> faust.App:
    """Return the Faust app of a stage: bytes in, bytes out, nothing logged, no web server."""
    return _App(
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
        # The vault acknowledges when a segment is written, a quarter of an hour later maybe.
        broker_commit_livelock_soft_timeout=3600.0,
        stream_wait_empty=False,
        broker_credentials=_credentials(kafka),
    )


class Held(Generic[T]):
    """What a worker keeps in memory of each partition, for as long as no partition moves.

    While a partition is elsewhere its state goes on there. So at every rebalance all is forgotten,
    and opened anew when the next event comes; what was being opened meanwhile is used for the
    event at hand and not kept.
    """

    def __init__(self, app: faust.App, make: Callable[[int], Awaitable[T]]) -> None:
        """``make`` opens the state of a partition."""
        self._make = make
        self._held: dict[int, T] = {}
        self.generation = 0
        app.on_partitions_revoked.connect(self._moved)
        app.on_rebalance_complete.connect(self._moved)

    async def of(self, partition: int) -> T:
        """Return the state of a partition, opening it where it is new here."""
        if partition in self._held:
            return self._held[partition]
        generation = self.generation
        state = await self._make(partition)
        if generation == self.generation:
            self._held[partition] = state
        return state

    def values(self) -> list[T]:
        """Return all that is held now."""
        return list(self._held.values())

    async def _moved(self, *_: object, **__: object) -> None:
        self.generation += 1
        self._held.clear()


async def follows(
    app: faust.App, event: EventT[bytes], position: int, changelog: str | None = None
) -> None:
    """Return where the event is the next one after ``position``; else raise IntegrityError.

    An event past a gap was handed to us across a rebalance, ahead of others that will be read
    again. To apply it would be to say that those were applied too. The gaps that are right are
    those the broker's retention makes: at the front of the log, and where the ``changelog`` of a
    state has nothing left of what was written.
    """
    partition, at = offset(event)
    if at <= position + 1:
        return
    log: Any = event.message.tp
    earliest = await app.consumer.earliest_offsets(log)
    right = at <= earliest[log]
    if not right and position < 0 and changelog is not None:
        state: Any = TP(changelog, partition)
        first = await app.consumer.earliest_offsets(state)
        right = 0 < first[state] == (await app.consumer.highwaters(state))[state]
    if not right:
        raise IntegrityError(f"partition {partition}: offset {at} came after {position}")
    _log.error("the broker dropped what was too old", partition=partition, upto=at)


async def each(stream: StreamT[bytes]) -> AsyncIterator[EventT[bytes]]:
    """Yield the events of a stream; one is acknowledged when the next is asked for, and not before.

    Whoever is stopped with an event in hand has not asked: it is read again.
    """
    async for event in stream.noack().events():  # type: ignore[attr-defined]
        yield event
        event.ack()


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


async def watch(app: faust.App) -> None:
    """Wait for a started app to give up; raises UnavailableError then.

    Faust's own threads stop for good after an error of the broker's, and the process would go on
    as if nothing were: alive, and deaf.
    """
    await app.wait_until_stopped()
    raise UnavailableError("the broker's client gave up")


async def patiently(what: str, act: Callable[[], Awaitable[None]]) -> None:
    """Do ``act`` until it works; UnavailableError is waited out with growing pauses."""
    delay = 0.2
    while True:
        try:
            await act()
        except UnavailableError as error:
            _log.warning("waiting", for_=what, reason=str(error), seconds=delay)
            WAITING.labels(what).set(1)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)
        else:
            WAITING.labels(what).set(0)
            return


def offset(event: EventT[bytes]) -> tuple[int, int]:
    """Return partition and offset of an event."""
    return event.message.partition, event.message.offset


async def send(
    app: faust.App, topic: str, partition: int, value: bytes | None, key: bytes | None = None
) -> None:
    """Send one message and wait for the broker's acknowledgement."""
    await app.producer.send_and_wait(topic, key, value, partition, None, None)
