"""``digest`` and ``alerts`` as a person types them."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from tests.support.released import Released

LAST = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine weeks of a site, the last day tenfold."""
    with closing(connect(Engine(path=tmp_path / "clickhouse"))) as client:
        migrate(client, rollups_days=1100)
        rows = Released(client)
        for before in range(1, 60):
            day = LAST - dt.timedelta(days=before)
            rows.segments(day, view=200, failed=40, request=400, bot=100)
        rows.segments(LAST, view=2000, failed=40, request=400, bot=100)
        rows.write()
    return tmp_path


def typed(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_a_week_is_printed_and_what_was_unusual_ends_with_1(folder: Path) -> None:
    code, said = typed("digest", "--data", str(folder), "--week", "2026-W47")
    assert code == 0
    assert "shop: 16 Nov to 22 Nov 2026 (2026-W47), UTC" in said
    assert "page views                         3,200         +129%" in said
    code, said = typed("alerts", "--data", str(folder))
    assert code == 1
    assert "page views 2,000, where 200 is usual" in said
    code, said = typed("alerts", "--data", str(folder), "--site", "nowhere", "--json")
    assert (code, orjson.loads(said)) == (0, [])
