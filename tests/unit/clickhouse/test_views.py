# ruff: noqa: S608 -- names of ours alone
"""The views read no more than what a question names: conditions reach the key of their tables."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from clickhouse_connect.driver.client import Client

VIEWS = {
    "traffic": "audience = 'human'",
    "segment": "segment = 'view'",
    "breakdown": "dimension = 'page'",
    "segment_breakdown": "segment = 'view' AND dimension = 'page'",
    "pair": "segment = 'view' AND dimension = 'page' AND across = 'role'",
}


@pytest.mark.parametrize(
    "view",
    [f"{name}_{pace}" for name in VIEWS for pace in ("hourly", "daily") if name != "pair"]
    + ["pair_daily"],
)
def test_conditions_reach_the_primary_key_and_the_partitions(client: Client, view: str) -> None:
    columns = [
        str(name)
        for (name,) in client.query(
            "SELECT name FROM system.columns WHERE database = 'analytics' "
            f"AND table = '{view}_revisions' AND name IN ('site', 'window_start', 'hits')"
        ).result_rows
    ]
    rows = [
        [f"site-{site}", dt.datetime(2026, month, 3, tzinfo=dt.UTC), 1]
        for site in range(100)
        for month in (1, 2, 3)
        for _ in range(300)
    ]
    client.insert(f"analytics.{view}_revisions", rows, column_names=columns)
    condition = VIEWS[view.rpartition("_")[0]]
    plan = client.query(
        f"EXPLAIN indexes = 1 SELECT sum(hits) FROM analytics.{view} WHERE site = 'site-7' "
        f"AND {condition} AND window_start >= '2026-03-01 00:00:00'"
    )
    said = "\n".join(str(line) for (line,) in plan.result_rows)
    keys = re.search(r"PrimaryKey\W+Keys:((?:\W+\w+$)+)", said, re.MULTILINE)
    assert keys is not None, said
    named = [*re.findall(r"(\w+) = '", condition), "site", "window_start"]
    assert set(keys[1].split()) >= set(named), said
    partitions = re.search(r"Partition.*?Parts: (\d+)/(\d+)", said, re.DOTALL)
    assert partitions is not None, said
    assert (int(partitions[1]), int(partitions[2])) in {(1, 1), (1, 3)}, said
    assert "Parts: 3/3" not in said
