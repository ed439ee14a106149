"""An embedded engine: a fresh one for each test, or one for all of a module that cannot change it.

A module chooses the latter by ``pytestmark = pytest.mark.usefixtures("lasting")``. The process may
hold one folder open at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
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
def client(request: pytest.FixtureRequest) -> Client:
    """A writing client of an engine with its tables."""
    if "lasting" in request.fixturenames:
        lasting: tuple[Client, Reader] = request.getfixturevalue("lasting")
        return lasting[0]
    bare: Client = request.getfixturevalue("bare")
    migrate(bare, rollups_days=1100)
    return bare


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    """A reader beside the writing client, on the same engine."""
    if "lasting" in request.fixturenames:
        yield request.getfixturevalue("lasting")[1]
        return
    assert request.getfixturevalue("client").ping()
    with closing(Reader.open(request.getfixturevalue("engine"))) as reader:
        yield reader


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Reader]]:
    """A writing client and a reader of one engine."""
    engine = Engine(path=tmp_path_factory.mktemp("engine"))
    with closing(connect(engine)) as client:
        migrate(client, rollups_days=1100)
        with closing(Reader.open(engine)) as reader:
            yield client, reader
