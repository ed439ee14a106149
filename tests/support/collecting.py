"""A collector within the test's own process, on a loopback socket, before a broker that obeys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiokafka.errors import KafkaTimeoutError

from pipeline.clock import stopwatch, system_clock
from pipeline.collect.bodies import Budget
from pipeline.collect.collector import Collector
from pipeline.collect.outbox import Outbox
from pipeline.collect.server import Server
from pipeline.settings import Collect, CollectSite, CollectSource, Signals

ORIGIN = "https://shop.example.com"
TOKEN = "a-token-of-more-than-thirty-two-characters"


Body = bytes | AsyncIterable[bytes]


@dataclass
class Broker:
    """Stands for the producer: acknowledges at once, fails, or waits until it is let."""

    answer: str = "acknowledge"
    sent: list[tuple[str, bytes, dict[str, bytes]]] = field(default_factory=list)
    waiting: list[asyncio.Future[object]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(
        self, topic: str, value: bytes, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[object]:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.sent.append((topic, value, dict(headers)))
        if self.answer == "acknowledge":
            future.set_result(None)
        elif self.answer == "fail":
            future.set_exception(KafkaTimeoutError())
        else:
            self.waiting.append(future)
        self.asked.set()
        return future

    def let(self) -> None:
        """Acknowledge what waits, and all from now on."""
        self.answer = "acknowledge"
        for future in self.waiting:
            if not future.done():
                future.set_result(None)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was sent of events, line by line."""
        return [
            orjson.loads(line)
            for topic, value, _ in self.sent
            if topic == "logs.widget"
            for line in value.split(b"\n")
        ]


@dataclass
class Served:
    """A collector that listens."""

    url: str
    broker: Broker
    collector: Collector
    budget: Budget
    session: aiohttp.ClientSession

    async def post(self, path: str, body: Body, **headers: str) -> aiohttp.ClientResponse:
        """Post and read the answer to its end; underscores in names of headers are dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(self.url + path, data=body, headers=named) as answer:
            await answer.read()
            return answer

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(self.collector.accounts.report()["outcomes"])

    def closes(self) -> bool:
        """Tell whether every request is accounted for, and every byte given back."""
        accounts = self.collector.accounts
        return accounts.received == accounts.outcomes.total() and self.budget.held == 0


def settings(folder: Path, **changes: object) -> Collect:
    """One site with the strict policy, one that counts, one that ignores, one source."""
    token = folder / "token"
    token.write_text(TOKEN, encoding="ascii")
    made = Collect(
        port=0,
        sites={
            "shop": CollectSite(origins=[ORIGIN]),
            "counted": CollectSite(
                origins=[ORIGIN], privacy=Signals(gpc="anonymous", dnt="anonymous")
            ),
            "mixed": CollectSite(origins=["*"], privacy=Signals(gpc="ignore", dnt="anonymous")),
        },
        sources={"cdn": CollectSource(token_file=token, sites=["shop"], format="combined")},
    )
    return made.model_copy(update=changes)


@asynccontextmanager
async def serving(made: Collect, broker: Broker | None = None) -> AsyncIterator[Served]:
    """Serve until the end of the block; then the accounts must close."""
    broker = broker or Broker()
    budget = Budget(made.max_pending_bytes)
    outbox = Outbox(broker, budget)
    collector = Collector(made, outbox, budget, system_clock, stopwatch)
    server = Server(collector.handle, made)
    url = await server.start()
    collector.at(url)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as session:
        served = Served(url, broker, collector, budget, session)
        try:
            yield served
        finally:
            broker.let()  # a test that failed must not leave a delivery behind
            await server.stop()
            await outbox.flush()
    assert served.closes(), collector.accounts.report()
    assert len(jar) == 0, "a cookie was set"
