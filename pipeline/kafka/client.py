"""Kafka clients from settings: one place for addresses, credentials and patience."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.helpers import create_ssl_context

from pipeline.errors import SettingsError, UnavailableError
from pipeline.logs import get
from pipeline.settings import Kafka

MAX_REQUEST_BYTES: Final = 8 * 2**20
_log = get("kafka")
T = TypeVar("T")


def security(kafka: Kafka) -> dict[str, Any]:
    """Return the keyword arguments by which any client signs in; raises SettingsError."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security,
    }
    if kafka.security.endswith("SSL"):
        options["ssl_context"] = tls(kafka)
    if kafka.security.startswith("SASL"):
        options |= {
            "sasl_mechanism": kafka.mechanism,
            "sasl_plain_username": kafka.username,
            "sasl_plain_password": password(kafka),
        }
    return options


def tls(kafka: Kafka) -> ssl.SSLContext:
    """Return the TLS context for the broker's certificate authority."""
    context: ssl.SSLContext = create_ssl_context(
        cafile=str(kafka.ca_file) if kafka.ca_file else None
    )
    return context


def password(kafka: Kafka) -> str:
    """Read the password's file; raises SettingsError."""
    if kafka.username is None or kafka.password_file is None:
        raise SettingsError("setting kafka: SASL needs username and password_file")
    try:
        return kafka.password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"setting kafka.password_file: cannot be read ({error.strerror})"
        ) from None


def producer(kafka: Kafka, **options: object) -> AIOKafkaProducer:
    """Return an unstarted producer that waits for every replica's acknowledgement."""
    return AIOKafkaProducer(
        **security(kafka),
        acks="all",
        enable_idempotence=kafka.idempotence,
        max_request_size=MAX_REQUEST_BYTES,
        **options,
    )


def consumer(kafka: Kafka, group: str | None, **options: object) -> AIOKafkaConsumer:
    """Return an unstarted consumer that commits only when told to."""
    return AIOKafkaConsumer(
        **security(kafka),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=kafka.session_timeout_ms,
        heartbeat_interval_ms=max(100, kafka.session_timeout_ms // 4),
        **options,
    )


def admin(kafka: Kafka) -> AIOKafkaAdminClient:
    """Return an unstarted admin client."""
    return AIOKafkaAdminClient(**security(kafka), client_id="partywall-admin")


async def started(
    make: Callable[[], T],
    start: Callable[[T], Awaitable[None]],
    patience: float,
    bootstrap: str | None = None,
) -> T:
    """Start a client, waiting up to ``patience`` seconds for a broker that is not there yet.

    ``bootstrap`` is named where none answers.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    delay = 0.05
    while True:
        client = make()
        try:
            await start(client)
        except KafkaConnectionError:
            await _close(client)
            if loop.time() + delay > deadline:
                at = "kafka.bootstrap" if bootstrap is None else f"{bootstrap} (kafka.bootstrap)"
                raise UnavailableError(f"no broker answers at {at}") from None
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)
        except KafkaError as error:
            await _close(client)
            raise UnavailableError(f"the broker refuses: {type(error).__name__}") from None
        else:
            return client


async def _close(client: object) -> None:
    close = getattr(client, "close", None) or getattr(client, "stop", None)
    if close is not None:
        await close()
