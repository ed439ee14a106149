"""A person reads the tables, and nothing else of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse import sql
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import Reader, named, resolve
from pipeline.errors import UsageError


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One engine for all of these tests, since none of them can change it."""
    return Engine(path=tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[Client]:
    client = connect(engine)
    migrate(client, rollups_days=1100)
    yield client
    client.close()


@pytest.fixture(scope="module")
def reader(client: Client, engine: Engine) -> Iterator[Reader]:
    assert client.ping()
    reader = Reader.open(engine)
    yield reader
    reader.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text("1,canary\n")
    return path


WRITES = """
INSERT INTO analytics.ingests (ingest, origin) VALUES ('x', 1)
INSERT INTO analytics.ingests (ingest, origin) SELECT 'x', 1
WITH 1 AS x INSERT INTO analytics.ingests (ingest, origin) SELECT 'x', x
DROP TABLE analytics.ingests
ALTER TABLE analytics.ingests DELETE WHERE 1
CREATE TABLE analytics.mine (a Int8) ENGINE = Memory
CREATE TEMPORARY TABLE mine (a Int8)
CREATE FUNCTION f AS () -> 1
ATTACH TABLE x FROM '/tmp'
SYSTEM FLUSH LOGS
KILL QUERY WHERE 1
SET readonly = 0
USE system
SELECT 1 SETTINGS readonly = 0
SELECT 1; DROP TABLE analytics.ingests
SELECT 1; SELECT 2
SELECT 1 /* /* */ ; DROP TABLE analytics.ingests */
EXPLAIN AST SELECT 1; DROP TABLE analytics.ingests
""".strip().splitlines()

REACHES = """
SELECT * FROM file('{path}', 'CSV', 'a Int64, b String')
SELECT file('{path}')
SELECT "file"('{path}')
SELECT `file`('{path}')
SELECT file /* a call all the same */ ('{path}')
SELECT * APPLY(file) FROM (SELECT '{path}')
SELECT * APPLY file FROM (SELECT '{path}')
SELECT arrayMap(file, ['{path}'])
SELECT 1file('{path}')
WITH file('{path}') AS x SELECT x
EXPLAIN SELECT file('{path}')
DESCRIBE file('{path}')
DESCRIBE '{path}'
SELECT * FROM '{path}'
SELECT * FROM `{path}`
SELECT * FROM default.`{path}`
SELECT * FROM eval('SELECT file(''{path}'')')
SELECT * FROM viewExplain('', '', (SELECT file('{path}')))
SELECT * FROM view(SELECT file('{path}'))
SELECT * FROM executable('cat {path}', 'CSV', 'a Int64')
SELECT 1 INTO OUTFILE '{path}.out'
SELECT 1 INTO OUTFILE '{path}.out' FORMAT CSV
SELECT 1 INTO /**/ OUTFILE '{path}.out'
SELECT * FROM url('http://127.0.0.1:9/x', 'CSV', 'a Int64')
DESCRIBE url('http://127.0.0.1:9/x')
SELECT * FROM remote('127.0.0.1:9', system.one)
SELECT hasColumnInTable('127.0.0.1', 'system', 'one', 'dummy')
SELECT reverseDNSQuery('127.0.0.1')
SELECT ‘{path}’
SELECT \\ 1
""".strip().splitlines()


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_is_written(statement: str, reader: Reader, client: Client) -> None:
    with pytest.raises(UsageError) as caught:
        reader.rows(statement)
    assert "\n" not in str(caught.value)
    assert client.command("SELECT count() FROM analytics.ingests") == 0


@pytest.mark.parametrize("statement", REACHES)
def test_no_file_and_no_other_host_is_reached(statement: str, secret: Path, reader: Reader) -> None:
    with pytest.raises(UsageError) as caught:
        reader.rows(statement.format(path=secret))
    assert "canary" not in str(caught.value)
    assert [path.name for path in secret.parent.glob("secret*")] == ["secret.csv"]


def test_every_table_function_of_the_engine_is_refused_but_the_harmless(reader: Reader) -> None:
    names = [row["name"] for row in reader.rows("SELECT name FROM system.table_functions")]
    assert len(names) > 50
    for name in names:
        if name in sql.HARMLESS_TABLE_FUNCTIONS:
            continue
        for spelling in (f"{name}", f'"{name}"', f"{str(name).upper()}"):
            with pytest.raises(UsageError, match="reaches outside"):
                reader.rows(f"SELECT * FROM {spelling}('x')")  # noqa: S608


@pytest.mark.parametrize("name", sorted(named()))
def test_named_queries_run_and_say_what_they_answer(name: str, reader: Reader) -> None:
    assert isinstance(reader.rows(name), list)
    assert len(named()[name].about) > 10


def test_a_dashed_name_is_the_same_query() -> None:
    assert resolve("referrer-kinds;") == named()["referrer_kinds"].sql


def test_a_wrong_name_lists_the_right_ones(reader: Reader) -> None:
    with pytest.raises(UsageError, match="choose from browsers, countries"):
        reader.rows("pagez")


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT 1 AS a;", [{"a": 1}]),
        ("SELECT 1 AS a -- done", [{"a": 1}]),
        ("/* first */ SELECT ';' AS a", [{"a": ";"}]),
        ("SELECT 'it''s -- no; comment' AS a", [{"a": "it's -- no; comment"}]),
        ("(SELECT 1 AS a)", [{"a": 1}]),
        ("WITH 2 AS two SELECT two", [{"two": 2}]),
        ("SELECT number AS n FROM numbers(2)", [{"n": 0}, {"n": 1}]),
        ("SELECT 18446744073709551615 AS n, 0/0 AS x", [{"n": 2**64 - 1, "x": None}]),
        ("SELECT '/etc/passwd' AS page", [{"page": "/etc/passwd"}]),
        ("EXISTS TABLE analytics.traffic_daily", [{"result": 1}]),
    ],
)
def test_reading_is_free(statement: str, rows: list[object], reader: Reader) -> None:
    assert reader.rows(statement) == rows


def test_a_persons_slip_is_answered_in_one_line(reader: Reader) -> None:
    with pytest.raises(UsageError) as caught:
        reader.rows("SELECT visitor FROM analytics.traffic_daily")
    text = str(caught.value)
    assert "visitor" in text
    assert "UNKNOWN_IDENTIFIER" in text
    assert "\n" not in text
    assert "version" not in text


def test_a_query_that_takes_too_much_is_stopped(reader: Reader) -> None:
    with pytest.raises(UsageError, match="TOO_MANY_ROWS_OR_BYTES"):
        reader.rows("SELECT number FROM numbers(1000001)")
