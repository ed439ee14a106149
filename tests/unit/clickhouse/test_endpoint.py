"""Others ask the running engine over the loopback, and can only ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse import remote
from pipeline.clickhouse.endpoint import application
from pipeline.clickhouse.queries import Reader
from pipeline.errors import UnavailableError, UsageError
from tests.support.sql_attacks import CANARY, REACHES

pytestmark = pytest.mark.usefixtures("lasting")

Asker = TestClient[web.Request, web.Application]


@pytest.fixture
async def asker(reader: Reader) -> AsyncIterator[Asker]:
    async with TestClient(TestServer(application(reader))) as asker:
        yield asker


async def test_ping_answers_as_clickhouse_does(asker: Asker) -> None:
    answer = await asker.get("/ping")
    assert (answer.status, await answer.text()) == (200, "Ok.\n")


@pytest.mark.parametrize(
    ("parameters", "body", "expected"),
    [
        ({"query": "SELECT 1 AS a, 2 AS b"}, None, "1\t2\n"),
        ({"query": "SELECT 1 AS a", "default_format": "JSONEachRow"}, None, '{"a":1}\n'),
        ({"query": "SELECT 1 AS a FORMAT CSV", "default_format": "TSV"}, None, "1\n"),
        ({}, "SELECT 'é' AS a;", "é\n"),
        ({"query": "SELECT"}, "5 AS n", "5\n"),
    ],
)
async def test_query_comes_as_parameter_or_body(
    parameters: dict[str, str], body: str | None, expected: str, asker: Asker
) -> None:
    answer = await asker.post("/", params=parameters, data=body)
    assert (answer.status, await answer.text()) == (200, expected)


async def test_get_reads_too(asker: Asker) -> None:
    answer = await asker.get("/", params={"query": "SHOW TABLES FROM analytics LIKE 'ing%'"})
    assert await answer.text() == "ingests\n"


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO analytics.ingests (ingest, origin) VALUES ('x', 1)",
        "DROP TABLE analytics.ingests",
        "SELECT file('/etc/hostname')",
        "SELECT wrong FROM analytics.ingests",
        "",
    ],
)
async def test_a_refusal_is_one_line_with_status_400(
    query: str, asker: Asker, client: Client
) -> None:
    answer = await asker.post("/", data=query)
    text = await answer.text()
    assert answer.status == 400
    assert text.startswith("query: ")
    assert text.count("\n") == 1
    assert client.command("SELECT count() FROM analytics.ingests") == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8123"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1:1@evil.example"},
        {"Host": "localhost.evil.example:80"},
        {"Host": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Mode": "no-cors"},
    ],
    ids=str,
)
async def test_a_web_page_gets_nothing(headers: dict[str, str], asker: Asker) -> None:
    for method, path in (("GET", "/"), ("POST", "/"), ("OPTIONS", "/"), ("GET", "/ping")):
        answer = await asker.request(method, path, params={"query": "SELECT 'x'"}, headers=headers)
        assert answer.status == 403
        assert "x\n" not in (await answer.text()).split()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8123", "localhost", "localhost:1", "[::1]:9"]
)
async def test_the_loopback_is_asked_under_its_own_names(host: str, asker: Asker) -> None:
    answer = await asker.post("/", data="SELECT 1", headers={"Host": host})
    assert (answer.status, await answer.text()) == (200, "1\n")


async def test_what_curl_sends_is_served(asker: Asker) -> None:
    headers = {
        "User-Agent": "curl/8.5.0",
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await asker.post("/", data=b"SELECT 'x'", headers=headers)
    assert (answer.status, await answer.text()) == (200, "x\n")


@pytest.mark.parametrize("statement", REACHES)
async def test_what_reaches_out_gets_no_answer_here_either(
    statement: str, asker: Asker, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(CANARY)
    answer = await asker.post("/", data=statement.replace("{path}", str(secret)))
    assert answer.status == 400
    assert CANARY not in await answer.text()
    assert [path.name for path in tmp_path.glob("secret*")] == ["secret.csv"]


async def test_the_client_side_brings_rows_named_queries_and_errors(asker: Asker) -> None:
    url = str(asker.make_url("/"))
    assert await asyncio.to_thread(remote.query, url, "SELECT 1 AS a, 'x' AS b") == [
        {"a": 1, "b": "x"}
    ]
    assert await asyncio.to_thread(remote.query, url, "pages") == []
    with pytest.raises(UsageError, match="UNKNOWN_IDENTIFIER"):
        await asyncio.to_thread(remote.query, url, "SELECT missing")
    with pytest.raises(UsageError, match="FORMAT"):
        await asyncio.to_thread(remote.query, url, "SELECT 1 FORMAT CSV")


async def test_nobody_at_the_other_end_is_unavailable(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        await asyncio.to_thread(remote.query, f"http://127.0.0.1:{unused_tcp_port}", "SELECT 1")


async def test_askers_at_the_same_time_all_get_their_answer(asker: Asker) -> None:
    async def ask(n: int) -> str:
        answer = await asker.post("/", data=f"SELECT length(range({n}))")
        return (await answer.text()).strip()

    assert await asyncio.gather(*(ask(n) for n in range(1, 9))) == [str(n) for n in range(1, 9)]


async def test_bytes_that_are_no_text_are_refused_politely(asker: Asker) -> None:
    answer = await asker.post("/", data=b"SELECT '\xff\xfe'")
    assert answer.status == 400
