"""An answer holds the rows of its own query, whatever happened to the one before."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from clickhouse_connect.driver.exceptions import DatabaseError

from pipeline.clickhouse.endpoint import application
from pipeline.clickhouse.queries import Reader
from pipeline.errors import UsageError

pytestmark = pytest.mark.usefixtures("lasting")

FAILING = {
    "too many rows": "SELECT number, 'STALE' FROM numbers(2000000)",
    "a division by zero, late": "SELECT 'STALE', intDiv(1, number - 900000) FROM numbers(950000)",
    "a number that is none, late": (
        "SELECT 'STALE', toUInt8(if(number < 900000, '1', 'x')) FROM numbers(950000)"
    ),
    "too much memory, late": (
        "SELECT 'STALE', length(range(if(number < 900000, 1, 500000000))) FROM numbers(950000)"
    ),
    "forged rows": 'SELECT \'{"a":"STALE"}\', intDiv(1, number - 900000) FROM numbers(950000)',
    "a format that fails": "SELECT number, 'STALE' FROM numbers(9) FORMAT Protobuf",
    "a wrong name": "SELECT 'STALE', missing",
    "no SQL": "SELECT 'STALE' FROM WHERE",
    "not allowed": "SELECT 'STALE', sleep(1)",
    "another statement": "SELECT 'STALE'; SELECT 1",
}


@pytest.fixture
async def asker(reader: Reader) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestClient(TestServer(application(reader))) as asker:
        yield asker


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING.keys())
def test_no_row_of_a_failed_query_is_in_the_next_answer(failing: str, reader: Reader) -> None:
    for _ in range(2):
        with pytest.raises(UsageError):
            reader.raw(failing, "JSONEachRow")
        assert reader.rows("SELECT 'mine' AS a") == [{"a": "mine"}]
        assert reader.raw("SELECT 'mine' AS a", "TSV") == b"mine\n"


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING.keys())
async def test_the_endpoint_gives_nobody_the_rows_of_another(
    failing: str, asker: TestClient[web.Request, web.Application]
) -> None:
    assert (await asker.post("/", data=failing)).status == 400
    answer = await asker.post("/", data="SELECT 'mine'")
    assert (answer.status, await answer.text()) == (200, "mine\n")


def test_a_connection_is_used_again_only_after_a_clean_answer(reader: Reader) -> None:
    assert reader.rows("SELECT 1 AS a") == [{"a": 1}]
    kept = reader._client
    assert reader.rows("SELECT 2 AS a") == [{"a": 2}]
    assert reader._client is kept
    with pytest.raises(UsageError):
        reader.rows("SELECT missing")
    assert reader._client is None


def test_an_engine_that_fails_in_our_own_part_of_the_work_leaves_no_connection(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.rows("SELECT 1 AS a") == [{"a": 1}]
    assert reader._client is not None

    def fails(*_: object, **__: object) -> bytes:
        raise DatabaseError("Code: 241. DB::Exception: canary", code=241, name="MEMORY")

    monkeypatch.setattr(reader._client, "raw_query", fails)
    with pytest.raises(UsageError):
        reader.rows("SELECT 2 AS a")
    assert reader.rows("SELECT 3 AS a") == [{"a": 3}]
