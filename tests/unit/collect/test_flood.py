"""Ten thousand sockets, a flood, slow clients, garbage: it stays up, small, and accounts for all.

A process of its own on the embedded broker. Nothing here depends on how long anything takes: what
is waited for is a state, and what is counted is counted by client, collector and broker alike.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from pipeline.settings import Kafka
from tests.support.collector_process import Collecting, broker

SOCKETS: Final = 10_000
SPARE: Final = 500
SITES: Final = {"shop": {"origins": ["https://shop.example.com"]}}
BODY: Final = b'{"event":"opened","v":1}'
Make = Callable[..., Collecting]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with broker(tmp_path_factory.mktemp("broker")) as found:
        yield found


@pytest.fixture
def make(kafka: Kafka, tmp_path: Path) -> Iterator[Make]:
    """Start a collector with settings; at the end it must be alive, and its accounts close."""
    made: list[Collecting] = []

    def start(**collect: Any) -> Collecting:  # noqa: ANN401 -- whatever a setting may be
        collecting = Collecting(tmp_path, kafka, sites=SITES, **collect)
        collecting.start()
        made.append(collecting)
        return collecting

    try:
        yield start
        _closes(made)
    finally:
        for collecting in made:
            collecting.kill()


def _closes(made: list[Collecting]) -> None:
    for collecting in made:
        assert asyncio.run(_status(collecting)) in {202, 429}
        metrics = collecting.metrics()
        received = metrics["partywall_collect_requests_total"]
        assert received == sum(collecting.outcomes().values())
        acknowledged = metrics['partywall_collect_lines_total{outcome="acknowledged"}']
        assert len(collecting.lines()) - collecting.before == acknowledged
        collecting.stop()
        report = orjson.loads(collecting.accounts.read_bytes())
        assert (report["received"], report["in_flight"]) == (received, 0)
        assert collecting.log.read_text(encoding="utf-8") == ""


def request(body: bytes = BODY, *, close: bool = False) -> bytes:
    return (
        b"POST /v1/events?site=shop HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (b"close" if close else b"keep-alive", len(body), body)
    )


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @staticmethod
    async def connect(collecting: Collecting) -> Client:
        host, port = collecting.url.removeprefix("http://").split(":")
        # 64 KiB of buffer for each of ten thousand would be the test's memory, not the collector's.
        return Client(*await asyncio.open_connection(host, int(port), limit=4096))

    async def status(self) -> int | None:
        """Read one answer; None where the connection was closed instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-len")]
        await self.reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
        return int(head.split(b" ")[1])

    async def closed(self) -> None:
        """Wait until the other side has closed."""
        try:
            while await self.reader.read(4096):
                pass
        except ConnectionError:
            pass

    def close(self) -> None:
        self.writer.transport.abort()


async def _status(collecting: Collecting) -> int | None:
    client = await Client.connect(collecting)
    client.writer.write(request(close=True))
    try:
        return await client.status()
    finally:
        client.close()


async def _many(collecting: Collecting, count: int) -> list[Client]:
    clients: list[Client] = []
    while len(clients) < count:
        some = range(min(500, count - len(clients)))
        clients += await asyncio.gather(*(Client.connect(collecting) for _ in some))
    return clients


async def _until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await what():  # noqa: ASYNC110 -- only the process knows
            await asyncio.sleep(0.02)


def test_ten_thousand_sockets_at_once(make: Make) -> None:
    """All open together, each with a request; each gets its answer, each event is in the broker."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < SOCKETS + SPARE:
        pytest.skip(f"this machine allows {hard} open files, {SOCKETS + SPARE} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SOCKETS + SPARE), hard))
    collecting = make(rate_per_minute=1_000_000, idle_seconds=120, ack_seconds=60, read_seconds=60)
    small = collecting.peak_bytes

    async def act() -> Counter[int | None]:
        clients = await _many(collecting, SOCKETS)

        async def all_there() -> bool:
            return collecting.metrics()["partywall_collect_connections"] == SOCKETS

        await _until(all_there)
        for client in clients:
            client.writer.write(request())
        statuses = await asyncio.gather(*(client.status() for client in clients))
        for client in clients:
            client.close()
        return Counter(statuses)

    assert asyncio.run(act()) == {202: SOCKETS}
    assert collecting.outcomes()["acknowledged"] == SOCKETS
    grown = (collecting.peak_bytes - small) / SOCKETS
    assert grown < 40_000, f"{grown:.0f} bytes a connection"


def test_a_flood_of_one_client_is_turned_down(make: Make) -> None:
    """More than its share is answered 429 at once, and counted; so is what is pipelined unread."""
    collecting = make(rate_per_minute=500)

    async def act() -> Counter[int | None]:
        clients = await _many(collecting, 20)
        for client in clients:
            client.writer.write(request() * 200)
        found: Counter[int | None] = Counter()
        for client in clients:
            found.update([await client.status() for _ in range(200)])
            client.close()
        return found

    found = asyncio.run(act())
    assert found.total() == 4000
    assert set(found) == {202, 429}
    assert found[202] >= 500
    outcomes = collecting.outcomes()
    assert (outcomes["acknowledged"], outcomes["rate"]) == (found[202], found[429])


def test_slow_clients_are_closed_and_others_are_served_meanwhile(make: Make) -> None:
    """Half a head, a drip of a head, half a body: each holds a socket for a while, and no more."""
    collecting = make(idle_seconds=0.4, read_seconds=0.4, rate_per_minute=100_000)
    whole = request()

    async def drip(client: Client) -> None:
        for byte in b"POST /v1/events HTTP/1.1\r\nX: " + b"x" * 10_000:
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0.05)
            if client.writer.is_closing() or client.reader.at_eof():
                return

    async def act() -> list[int | None]:
        clients = await _many(collecting, 300)
        heads, drips, halves = clients[:100], clients[100:110], clients[110:]
        for client in heads:
            client.writer.write(whole[:40])
        dripping = [asyncio.create_task(drip(client)) for client in drips]
        for client in halves:
            client.writer.write(whole[:-5])
        assert await _status(collecting) == 202
        answers = await asyncio.gather(*(client.status() for client in halves))
        async with asyncio.timeout(60):
            await asyncio.gather(*(client.closed() for client in clients), *dripping)
        for client in clients:
            client.close()
        return answers

    assert set(asyncio.run(act())) == {408}
    assert collecting.outcomes()["slow"] == 190


GARBAGE: Final = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
    "no header": b"GET / HTTP/1.1\r\nBel.Quilvantor@example.org\r\n\r\n",
    "negative length": b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "long header": b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "zeros": b"\r\n" * 1000 + b"\x00" * 1000,
}


def test_what_is_no_request_is_closed_and_not_repeated(make: Make) -> None:
    collecting = make()

    async def act(garbage: bytes) -> bytes:
        client = await Client.connect(collecting)
        client.writer.write(garbage)
        answer = b""
        try:
            while block := await client.reader.read(4096):
                answer += block
        except ConnectionError:
            pass
        client.close()
        return answer

    for name, garbage in GARBAGE.items():
        answer = asyncio.run(act(garbage))
        assert b" 400 " in answer.partition(b"\r\n")[0], name
        assert b"Quilvantor" not in answer
    assert collecting.metrics()["partywall_collect_not_http_total"] == len(GARBAGE)


def test_malformed_json_in_a_row_ends_nothing(make: Make) -> None:
    """The connection goes on, and so does the accounting."""
    collecting = make(rate_per_minute=10_000)
    bodies = [b"{" * 5000, b'{"events":', b"\xff\xfe", b'"\\ud800', b"[1,]", b"", b"nul", b"1e999"]

    async def act() -> Counter[int | None]:
        client = await Client.connect(collecting)
        found: Counter[int | None] = Counter()
        for body in bodies * 50:
            client.writer.write(request(body))
            found[await client.status()] += 1
        client.close()
        return found

    assert asyncio.run(act()) == {400: 400}
    assert collecting.outcomes()["malformed"] == 400


def test_who_goes_away_in_the_middle_is_counted(make: Make) -> None:
    collecting = make(rate_per_minute=10_000)

    async def act() -> None:
        for client in await _many(collecting, 50):
            client.writer.write(request()[:-5])
            await client.writer.drain()
            client.writer.transport.close()

        async def all_counted() -> bool:
            return collecting.outcomes() == {"incomplete": 50}

        await _until(all_counted)

    asyncio.run(act())


def test_a_full_house_turns_the_next_one_away(make: Make) -> None:
    """And takes others again once somebody has left."""
    collecting = make(max_connections=30, idle_seconds=120)

    async def act() -> None:
        clients = await _many(collecting, 45)

        async def settled() -> bool:
            metrics = collecting.metrics()
            return (
                metrics["partywall_collect_connections"] == 30
                and metrics["partywall_collect_connections_refused_total"] == 15
            )

        await _until(settled)
        for client in clients:
            client.close()

        async def empty() -> bool:
            return collecting.metrics()["partywall_collect_connections"] == 0

        await _until(empty)

    asyncio.run(act())
