"""A server over HTTP is served by the same code as the embedded engine.

No ClickHouse server is needed: a small stand-in takes its HTTP requests and lets the embedded
engine carry them out.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from aiohttp import web
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.endpoint import application
from pipeline.clickhouse.loader import Loader
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import Reader
from pipeline.errors import SettingsError, UnavailableError, UsageError
from pipeline.rows import TABLES, RollupsHeader


@dataclass
class StandIn:
    """A server's HTTP interface before the embedded engine; ``refuse`` answers with that error."""

    client: Client
    folder: Path
    refuse: tuple[int, int, str] | None = None
    inserts: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        query = request.query.get("query", "")
        if self.refuse:
            status, code, text = self.refuse
            headers = {"X-ClickHouse-Exception-Code": str(code)}
            return web.Response(status=status, text=text, headers=headers)
        if body.startswith(b"INSERT") and b"FORMAT ArrowStream\n" in body:
            first, _, body = body.partition(b"\n")
            query = first.decode()
            self.inserts.append(dict(request.query))
            file = self.folder / "body"
            file.write_bytes(body)
            head, _, name = query.rpartition("FORMAT")
            query, body = f"{head} FROM INFILE '{file}' FORMAT {name}", b""
        text = "\n".join(part for part in (query, body.decode()) if part)
        parameters = {
            name.removeprefix("param_"): value
            for name, value in request.query.items()
            if name.startswith("param_")
        }
        default = request.query.get("default_format")
        if default and " FORMAT " not in text and text.upper().startswith(("SELECT", "WITH")):
            text += f"\nFORMAT {default}"
        known = self.client.server_settings
        settings = {name: value for name, value in request.query.items() if name in known}
        try:
            result = self.client.raw_query(text, parameters=parameters, settings=settings)
            return web.Response(body=bytes(result))
        except DatabaseError as error:
            headers = {"X-ClickHouse-Exception-Code": str(error.code)}
            return web.Response(status=500, text=str(error), headers=headers)


class Serving:
    """Runs an app on a free port of the loopback, in a thread of its own."""

    def __init__(self, app: web.Application) -> None:
        self._loop = asyncio.new_event_loop()
        self._runner = web.AppRunner(app)
        self.port = self._loop.run_until_complete(self._start())
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _start(self) -> int:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return int(self._runner.addresses[0][1])

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def stand_in(bare: Client, tmp_path: Path) -> StandIn:
    return StandIn(bare, tmp_path)


@pytest.fixture
def server(stand_in: StandIn) -> Iterator[Engine]:
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{any:.*}", stand_in.answer)
    serving = Serving(app)
    yield Engine(url=f"http://127.0.0.1:{serving.port}", user="loader", password="hunter2")
    serving.stop()


@pytest.fixture
def remote(server: Engine) -> Iterator[Client]:
    client = connect(server)
    yield client
    client.close()


def rows(hits: int, revision: int) -> pl.DataFrame:
    schema = {**TABLES["traffic_daily"], "revision": pl.UInt64()}
    return pl.DataFrame([("s", 86400, "human", hits, 1, 10, revision)], schema, orient="row")


def test_migrations_loader_and_reader_work_over_http(
    remote: Client, server: Engine, stand_in: StandIn
) -> None:
    assert migrate(remote, rollups_days=30) == (
        "0001_rollups",
        "0002_views",
        "0003_segments",
        "0004_health",
        "0005_clocks",
        "0006_step_times",
    )
    assert migrate(remote, rollups_days=30) == ()
    loader = Loader(remote)
    header = RollupsHeader("traffic_daily", "old", 3, finished=True)
    for revision in (2, 1, 2):
        assert loader.load([(header, rows(10 * revision, revision))]) == 1
    reader = Reader.open(server)
    assert reader.rows("SELECT DISTINCT ingest, origin FROM analytics.ingests") == [
        {"ingest": "old", "origin": 3}
    ]
    assert reader.rows("SELECT hits, window_start FROM analytics.traffic_daily") == [
        {"hits": 20, "window_start": "1970-01-02 00:00:00"}
    ]
    assert all(insert["async_insert"] == "0" for insert in stand_in.inserts)
    with pytest.raises(UsageError, match="UNKNOWN_TABLE"):
        reader.rows("SELECT 1 FROM analytics.nothing")
    reader.close()


@pytest.mark.parametrize("profile", ["readonly = 2", "readonly = 1", "max_execution_time = 30"])
def test_a_user_whose_profile_only_reads_can_ask(
    profile: str, remote: Client, server: Engine, stand_in: StandIn
) -> None:
    """The engine refuses to change ``readonly`` where it is set, as for `analyst` of users.xml."""
    migrate(remote, rollups_days=30)
    Loader(remote).load([(RollupsHeader("traffic_daily", "old", 3), rows(20, 1))])
    stand_in.client.command(f"SET {profile}")
    with contextlib.closing(Reader.open(server)) as reader:
        assert reader.rows("SELECT hits FROM analytics.traffic_daily") == [{"hits": 20}]
    with contextlib.closing(connect(server, read_only=True)) as asking:
        with pytest.raises(DatabaseError, match="READONLY"):
            asking.command("TRUNCATE TABLE analytics.ingests")
        limit = asking.command("SELECT getSetting('max_execution_time')")
        assert (
            limit == {"readonly = 2": 60, "readonly = 1": 0, "max_execution_time = 30": 30}[profile]
        )


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ((503, 0, "gateway says canary"), UnavailableError),
        ((500, 241, "Code: 241. DB::Exception: canary (MEMORY_LIMIT_EXCEEDED)"), UnavailableError),
        ((403, 516, "Code: 516. DB::Exception: canary (AUTHENTICATION_FAILED)"), SettingsError),
    ],
)
def test_a_server_that_refuses_is_waited_for_or_named(
    refusal: tuple[int, int, str],
    kind: type[Exception],
    remote: Client,
    stand_in: StandIn,
) -> None:
    migrate(remote, rollups_days=30)
    stand_in.refuse = refusal
    loader = Loader(remote)
    message = (RollupsHeader("traffic_daily", "live", 0), rows(1, 1))
    with pytest.raises(kind) as caught:
        loader.load([message])
    assert "canary" not in str(caught.value)
    stand_in.refuse = None
    assert loader.load([message]) == 1


def test_the_endpoint_is_near_enough_to_clickhouse_for_its_own_client(
    reader: Reader,
) -> None:
    serving = Serving(application(reader))
    engine = Engine(url=f"http://127.0.0.1:{serving.port}")
    client = connect(engine)
    try:
        assert client.query("SELECT 1 AS a, 'é' AS b").result_rows == [(1, "é")]
        with contextlib.closing(Reader.open(engine)) as over_http:
            assert over_http.rows("pages") == []
        with pytest.raises(DatabaseError, match="only reading is possible"):
            client.command("DROP TABLE analytics.ingests")
    finally:
        client.close()
        serving.stop()
