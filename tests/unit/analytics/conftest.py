"""An embedded engine with cells of two sites, for all tests of a module; asked as anybody asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from clickhouse_connect.driver.client import Client

from pipeline import analytics
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import Reader
from tests.support.released_cells import Cells

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
FIRST = dt.date(2026, 11, 1)
OPEN = dt.date(2026, 11, 28)
Ask = Callable[..., analytics.Answer]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Reader]]:
    """A writing client and a reader of one engine with its tables."""
    where = Engine(path=tmp_path_factory.mktemp("engine"))
    with closing(connect(where)) as client:
        migrate(client, rollups_days=1100)
        with closing(Reader.open(where)) as reader:
            yield client, reader


@pytest.fixture(scope="module")
def cells(engine: tuple[Client, Reader]) -> Cells:
    """Days up to the 27th and hours from then on; a second site to be told apart."""
    made = Cells()
    made.draw("shop", FIRST, 29, hours_from=OPEN)
    made.draw("blog", FIRST, 27)
    made.insert(engine[0])
    return made


@pytest.fixture(scope="module")
def ask(engine: tuple[Client, Reader], cells: Cells) -> Ask:
    """Ask about the shop, at noon of the 29th."""
    assert cells.rows

    def asked(**words: object) -> analytics.Answer:
        query = analytics.read(
            {"site": "shop", "date_range": ["2026-11-01", "2026-11-27"], **words}
        )
        return analytics.ask(engine[1].rows, query, clock=lambda: NOW, k=10, retention_days=1100)

    return asked
