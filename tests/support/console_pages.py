"""The console over an engine of made-up numbers, served on a socket of its own."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import QueryFn, Reader, Row
from pipeline.clock import Clock, stopwatch
from pipeline.console.api import routes
from pipeline.console.app import make_app
from pipeline.console.entrance import Entrance, by_word
from pipeline.console.pages import Pages
from pipeline.console.rendering import Rendering
from pipeline.console.signing import Signer, Viewer
from pipeline.console.tokens import Tokens
from pipeline.serving.server import Server, listen
from pipeline.settings import Settings
from pipeline.views.answers import Desk, Remembering
from pipeline.zones import ALL_UTC, Zones
from tests.support.console_data import TODAY, K

NOW: Final = dt.datetime.combine(TODAY, dt.time(11, 40), dt.UTC)
WORD: Final = "the-word-of-this-machine-and-of-nobody-else"
KEY: Final = "0123456789abcdef0123456789abcdef0123456789ab"


def still() -> dt.datetime:
    """Return the same moment always: that after the newest hour."""
    return NOW


@dataclass
class OneAtATime:
    """Asks a reader from several threads."""

    reader: Reader

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, statement: str) -> list[Row]:
        with self._lock:
            return self.reader.rows(statement)


TEAM: Final = "the-token-of-the-team-that-runs-the-blog-alone"


def known(token: str) -> Viewer | None:
    """Return whose token it is: somebody at this machine, or a team that has one site."""
    team = Viewer("bloggers", frozenset({"blog"}))
    return by_word(WORD, "you")(token) or (team if token == TEAM else None)


GOALS: Final = Settings(
    goals={
        "shop": {
            "checkout": {"page": "/checkout/done"},
            "signup": {"page": "/welcome"},
            "chat": {"event": "chat_started"},
        }
    }
).goals


def pages_of(run: QueryFn, origin: str, clock: Clock = still, zones: Zones = ALL_UTC) -> Pages:
    """Return the pages over what answers ``run``."""
    return Pages(
        entrance=Entrance(origin, Signer(KEY, clock), known, dt.timedelta(hours=12)),
        rendering=Rendering(),
        desk=Desk(Remembering(run, stopwatch), clock, K, 3650, goals=GOALS, zones=zones),
        clock=clock,
        lateness=120,
    )


def app_of(run: QueryFn, origin: str, clock: Clock = still, zones: Zones = ALL_UTC) -> ASGIApp:
    """Return the console with its API over what answers ``run``."""
    pages = pages_of(run, origin, clock, zones)
    api = routes(
        pages.desk.run,
        Tokens({}),
        clock=clock,
        k=K,
        retention_days=pages.desk.retention_days,
        take=lambda _: 0,
        rendering=pages.rendering,
        signed_in=pages.entrance.viewer,
        zones=zones,
    )
    return make_app(pages, api)


@contextmanager
def asking(folder: Path) -> Iterator[QueryFn]:
    """Ask the engine of a folder."""
    with closing(Reader.open(Engine(path=folder))) as reader:
        yield OneAtATime(reader)


@contextmanager
def served(
    run: QueryFn, clock: Clock = still, port: int = 0, zones: Zones = ALL_UTC
) -> Iterator[str]:
    """Serve the console, and give its origin."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener = listen("127.0.0.1", port, "console")
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Server(app_of(run, origin, clock, zones), listener)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield origin
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
