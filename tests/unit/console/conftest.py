"""Pages over sixty days of three sites, in this process, with a clock that is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx2
import pytest
import pytest_asyncio

from pipeline.clickhouse.queries import QueryFn
from tests.support.console_data import fill
from tests.support.console_pages import NOW, WORD, app_of, asking
from tests.support.pages import Moment

ORIGIN: Final = "http://127.0.0.1:9330"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryFn]:
    """What answers SQL from the made-up numbers."""
    folder = tmp_path_factory.mktemp("numbers") / "clickhouse"
    fill(folder)
    with asking(folder) as answering:
        yield answering


@pytest.fixture
def moment() -> Moment:
    return Moment(NOW)


@pytest_asyncio.fixture
async def stranger(run: QueryFn, moment: Moment) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser of somebody who has not signed in."""
    transport = httpx2.ASGITransport(app_of(run, ORIGIN, moment))
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as browser:
        yield browser


@pytest_asyncio.fixture
async def browser(stranger: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A browser of somebody who came by the link of this machine."""
    answer = await stranger.get("/enter", params={"token": WORD})
    assert answer.status_code == 200
    return stranger
