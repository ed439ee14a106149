"""Sixty days of three sites, to ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.clickhouse.queries import QueryFn
from tests.support.console_data import fill
from tests.support.console_pages import asking


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryFn]:
    """What answers SQL from the made-up numbers."""
    folder = tmp_path_factory.mktemp("numbers") / "clickhouse"
    fill(folder)
    with asking(folder) as answering:
        yield answering
