"""Every metric there is. Labels are names we gave (stage, outcome, reason), never content.

None is by site: a counter moves with each batch, so that of a small site would tell to the second
when its only visitor came.
"""

from __future__ import annotations

import asyncio
import time

from prometheus_client import Counter, Gauge, start_http_server

COLLECT_RECEIVED = Counter("partywall_collect_requests", "Requests with events or lines that began")
COLLECT_OUTCOMES = Counter(
    "partywall_collect_outcomes",
    "Requests with events or lines that ended, by outcome",
    ["outcome"],
)
COLLECT_LINES = Counter(
    "partywall_collect_lines", "Lines of accepted requests, by what the broker said", ["outcome"]
)
COLLECT_CONNECTIONS = Gauge("partywall_collect_connections", "Connections open now")
COLLECT_TURNED_AWAY = Counter(
    "partywall_collect_connections_refused", "Connections closed at once, the house being full"
)
COLLECT_NOT_HTTP = Counter("partywall_collect_not_http", "Connections that did not speak HTTP")
LINES = Counter("partywall_lines", "Lines taken in by split", ["outcome"])
REJECTS = Counter("partywall_rejected_lines", "Lines sealed unread, by reason", ["reason"])
UNREADABLE = Counter(
    "partywall_unreadable_records", "Offsets skipped, since no library reads what is there"
)
SPLIT_BATCHES = Counter("partywall_split_batches", "Batches that split has made durable")
EVENTS_BATCHES = Counter("partywall_events_batches", "Event batches that rollup has applied")
REPEATED = Counter("partywall_repeated_messages", "Messages seen again and dropped", ["stage"])
CELLS_BATCHES = Counter("partywall_cells_batches", "Cell batches that release has applied")
ROWS_RELEASED = Counter("partywall_released_rows", "Rollup rows released", ["table"])
ROWS_LOADED = Counter("partywall_loaded_rows", "Rollup rows that ClickHouse has acknowledged")
SEGMENTS = Counter("partywall_vault_segments", "Segments made durable in the vault")
KEYS_DESTROYED = Counter("partywall_keys_destroyed", "Keys destroyed by the clock")
KEYS_OVERDUE = Gauge(
    "partywall_keys_overdue", "Keys that outlived their time: a destruction was missed"
)
CASES_OVERDUE = Gauge(
    "partywall_cases_overdue", "Cases that outlived their time: a purge was missed"
)
REFUSED_DATABASES = Gauge(
    "partywall_refused_databases",
    "Address databases whose newest file cannot be read, so that the one before serves",
)
WEB_REFUSED = Counter(
    "partywall_web_refused", "Requests to pages of ours that were refused", ["reason"]
)
WEB_FAILED = Counter("partywall_web_failed", "Requests to pages of ours that ended in an error")
WAITING = Gauge("partywall_waiting", "1 while the stage waits for it", ["what"])
READY = Gauge("partywall_ready", "1 once every stage of the process has joined, or listens")
LOOP = Gauge("partywall_loop_seconds", "Seconds since the stages' event loop last came round")


async def beat() -> None:
    """Let others see that this event loop turns: the metrics have a thread that outlives it."""
    last = time.monotonic()
    LOOP.set_function(lambda: time.monotonic() - last)
    while True:
        last = time.monotonic()
        await asyncio.sleep(1)


def serve(host: str, port: int) -> None:
    """Serve all metrics at an address; they name outcomes and reasons, and nobody."""
    start_http_server(port, addr=host)
