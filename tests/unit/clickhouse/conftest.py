"""A fresh embedded engine for each test; the process may hold one folder open at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import Reader


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(path=tmp_path / "clickhouse")


@pytest.fixture
def bare(engine: Engine) -> Iterator[Client]:
    """A writing client of an engine without tables."""
    client = connect(engine)
    yield client
    client.close()


@pytest.fixture
def client(bare: Client) -> Client:
    """A writing client of an engine with its tables."""
    migrate(bare, rollups_days=1100)
    return bare


@pytest.fixture
def reader(client: Client, engine: Engine) -> Iterator[Reader]:
    """A reader beside the writing client, on the same engine."""
    assert client.ping()
    reader = Reader.open(engine)
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Client, Reader]]:
    """One engine, its writing client and a reader, for a module whose tests cannot change it."""
    engine = Engine(path=tmp_path_factory.mktemp("engine"))
    client = connect(engine)
    migrate(client, rollups_days=1100)
    reader = Reader.open(engine)
    yield engine, client, reader
    reader.close()
    client.close()
