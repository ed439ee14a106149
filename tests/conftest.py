"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

from tests.support import postgres_server
from tests.support.databases import Place, sqlite_in
from tests.support.kafka_server import KafkaServer, missing
from tests.support.postgres_server import PostgresServer

# A worker of pytest has one core, and its frames few rows: handing them to a thread costs more
# than the work does. Read as Polars is loaded; what a test starts has as many threads as it likes.
with mock.patch.dict(os.environ, {"POLARS_MAX_THREADS": "1"}):
    import polars as pl
assert pl.thread_pool_size() == 1, "something above has loaded Polars"

# A busy machine decides nothing: no example has a time limit, and every run draws the same ones.
# Nothing is kept of them on disk either.
settings.register_profile(
    "partywall", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("partywall")


LONGEST = ("integration", "wall", "browser")
"""Folders whose tests begin first, so that no worker is left with one when all else is done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest folders first; a worker that has done its own takes from another's end."""
    top = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(top).parts[0]
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A running broker, shared by the tests of one pytest worker: use ``topic_prefix`` on it.

    A test that kills or restarts a broker starts a KafkaServer of its own. Without Java or the
    jars the test is skipped, unless NEED_KAFKA_TESTS says that it must run.
    """
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """A prefix for topics, groups and transactional ids that no other test has."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:10]
    return f"t{digest}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL, shared by the tests of one pytest worker: a ``database()`` for each.

    Where it is not installed the test is skipped, unless NEED_POSTGRES_TESTS says that it must run.
    """
    if reason := postgres_server.missing():
        if os.environ.get("NEED_POSTGRES_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty database of the test's own, of either kind: the test runs on both."""
    if request.param == "sqlite":
        yield sqlite_in(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.database()
    yield Place(tmp_path, url, server)
    server.drop(url)
