"""What load() returned for survives the death of the process."""

from __future__ import annotations

import random
import subprocess
import sys

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.loader import Loader
from pipeline.clickhouse.queries import Reader
from pipeline.rows import TABLES, RollupsHeader

LOADS = """
import itertools, sys
from pathlib import Path
import polars as pl
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.loader import Loader
from pipeline.clickhouse.migrations import migrate
from pipeline.rows import TABLES, RollupsHeader

client = connect(Engine(path=Path(sys.argv[1])))
migrate(client, rollups_days=1100)
loader = Loader(client)
for n in itertools.count(int(sys.argv[2])):
    messages = []
    for table, columns in TABLES.items():
        schema = {**columns, "revision": pl.UInt64()}
        row = {name: n if type.is_integer() else str(n) for name, type in schema.items()}
        messages.append((RollupsHeader(table, "live", 0), pl.DataFrame([row], schema)))
    loader.load(messages)
    print(n, flush=True)
"""


def test_what_was_acknowledged_is_there_after_kill_9(engine: Engine) -> None:
    moments = random.Random(11)
    acknowledged = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", LOADS, str(engine.path), str(acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for _ in range(moments.randint(3, 25)):
                acknowledged = int(process.stdout.readline())
            process.kill()
            # what it still said before it died counts as acknowledged too
            rest = process.stdout.read().split()
            acknowledged = int(rest[-1]) if rest else acknowledged
        client = connect(engine)
        reader = Reader.open(engine)
        for table in TABLES:
            (row,) = reader.rows(f"SELECT count() AS n FROM analytics.{table}")  # noqa: S608
            # the insert under way when it died may be in or not
            assert row["n"] in {acknowledged, acknowledged + 1}, table
        reader.close()
        client.close()
    assert acknowledged > 9


@pytest.mark.parametrize("event", ["FileSync", "DirectorySync"])
def test_an_insert_is_on_the_disk_before_it_returns(event: str, client: Client) -> None:
    def syncs() -> int:
        rows = client.query(
            "SELECT value FROM system.events WHERE event = {event:String}",
            parameters={"event": event},
        ).result_rows
        return int(rows[0][0]) if rows else 0

    before = syncs()
    Loader(client).load([(RollupsHeader("traffic_daily", "live", 0, finished=True), _row())])
    assert syncs() > before


def _row() -> pl.DataFrame:
    schema = {**TABLES["traffic_daily"], "revision": pl.UInt64()}
    return pl.DataFrame([("s", 0, "human", 1, 1, 1, 1)], schema, orient="row")
