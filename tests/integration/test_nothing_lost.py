"""Nothing lost, nothing counted twice: whatever is done to the workers, every total is exact.

Two workers a stage on a real broker. While a log is shipped, workers are killed with -9, halted
past their session and woken up again, added and removed; the broker is killed and restarted,
ClickHouse is gone for a while, the vault's disk is full, and the log is shipped a second time.
In the end the tables, the vault and the accounts equal a count of the files in plain Python.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest

from pipeline.kafka.reading import accounts
from pipeline.kafka.topics import READ_BY
from pipeline.vault.status import vault_status
from tests.support import traffic
from tests.support.group import Group
from tests.support.kafka_server import KafkaServer, missing
from tests.support.ordeal import INGEST, Ordeal, Shipping
from tests.support.traffic import Cells, Tally

pytestmark = pytest.mark.kafka

SITES = ("shop", "blog")
QUICK = dict.fromkeys(("split", "vault", "rollup", "release", "load", "keys"), 1)
MORE = {"split": 4, "vault": 4, "rollup": 4, "release": 4, "load": 3, "keys": 2}
LONG = {"split": 10, "vault": 10, "rollup": 10, "release": 10, "load": 8, "keys": 4}


@pytest.fixture
def vault_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of its own for the vault, None where this user may not mount one."""
    disk = tmp_path / "vault-disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    yield disk if mounted else None
    if mounted:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_every_total_is_exact_after_six_kills(tmp_path: Path, vault_disk: Path | None) -> None:
    """The quick size, in every run of the suite: every fault, each stage killed once."""
    _ordeal(tmp_path, vault_disk, seed=7, lines=20_000, kills=QUICK, away=8.0)


@pytest.mark.long
def test_every_total_is_exact_after_twenty_kills(tmp_path: Path, vault_disk: Path | None) -> None:
    """The size between: `make test-kill-long`."""
    _ordeal(tmp_path, vault_disk, seed=7, lines=30_000, kills=MORE, away=8.0)


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_every_total_is_exact_after_fifty_kills(
    tmp_path: Path, vault_disk: Path | None, seed: int
) -> None:
    """The long size: `make test-kill-long`."""
    _ordeal(tmp_path, vault_disk, seed=seed, lines=60_000, kills=LONG, away=30.0)


def _ordeal(
    folder: Path,
    disk: Path | None,
    *,
    seed: int,
    lines: int,
    kills: dict[str, int],
    away: float,
) -> None:
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    logs = folder / "logs"
    logs.mkdir()
    files = traffic.write(logs, seed=seed, lines=lines, sites=SITES, files=120)
    truth = traffic.count(files)
    vault = (disk or folder) / "vault"
    kept = os.environ.get("KEEP_FAULTS")  # a folder for the log of faults and what workers said
    run = Path(kept) / f"seed-{seed}" if kept else folder / "group"
    with KafkaServer(folder / "kafka") as kafka, Group(run, kafka, vault) as group:
        for stage in ("clickhouse", "keys", *READ_BY, *READ_BY):
            group.add(stage)
        group.await_ready()
        shipping = Shipping(group, files, folder / "resume.json")
        Ordeal(group, shipping, seed, kills, disk, away).run()
        shipped = sum(future.result() for future in shipping.sent)
        assert shipped == truth.lines.total()
        assert shipping.everything_again() == 0, "shipped twice"
        _await_end(group)
        group.note("done", crashes=group.crashes)
        _tables_equal(group, truth)
        _vault_equals(vault, truth)
        _accounts_equal(group, truth)


def _await_end(group: Group) -> None:
    group.await_ready()
    group.until("all is read", lambda: all(group.lag(stage) == 0 for stage in READ_BY), within=180)
    group.until("the ingest has ended", lambda: len(_rows(group, _ENDED)) == 4, within=30)
    group.until("all is read", lambda: all(group.lag(stage) == 0 for stage in READ_BY), within=60)


_ENDED = f"SELECT DISTINCT origin FROM analytics.ingests WHERE ingest = '{INGEST}'"  # noqa: S608


def _rows(group: Group, query: str) -> list[tuple[object, ...]]:
    client = clickhouse_connect.get_client(host="127.0.0.1", port=group.clickhouse_port)
    return [tuple(row) for row in client.query(query).result_rows]


def _tables_equal(group: Group, truth: Tally) -> None:
    for table in ("traffic_hourly", "traffic_daily"):
        query = f"SELECT site, window_start, audience, hits, bytes, visitors FROM analytics.{table}"  # noqa: S608
        _same(table, _cells(_rows(group, query), 3), getattr(truth, table))
    for table in ("breakdown_hourly", "breakdown_daily"):
        query = (
            f"SELECT site, window_start, dimension, value, hits, visitors FROM analytics.{table} "  # noqa: S608
            "WHERE dimension IN ('status', 'method')"
        )
        _same(table, _cells(_rows(group, query), 4), getattr(truth, table))


def _cells(rows: list[tuple[object, ...]], keys: int) -> Cells:
    return {
        (row[0], _second(row[1]), *row[2:keys]): tuple(int(str(n)) for n in row[keys:])
        for row in rows
    }


def _second(value: object) -> int:
    assert isinstance(value, dt.datetime)
    return int(value.replace(tzinfo=dt.UTC).timestamp())


def _same(table: str, found: Cells, expected: Cells) -> None:
    wrong = {
        key: (found.get(key), expected.get(key))
        for key in found.keys() | expected.keys()
        if found.get(key) != expected.get(key)
    }
    assert not wrong, f"{table}: {len(wrong)} of {len(expected)} cells differ (found, expected)"


def _vault_equals(vault: Path, truth: Tally) -> None:
    status = vault_status(str(vault))
    outcomes = status["outcomes"]
    assert isinstance(outcomes, list)
    held: Counter[tuple[str, str]] = Counter()
    for row in outcomes:
        held[row["site"], row["outcome"]] += row["records"]
    assert held == truth.lines
    assert status["missing"] == 0


def _accounts_equal(group: Group, truth: Tally) -> None:
    found = asyncio.run(accounts(group.client_settings(), 4))
    for site in SITES:
        events = truth.lines[site, "event"]
        assert found[INGEST, site]["counted"] == events
        assert found[INGEST, site]["released"] == events
        assert found[INGEST, site]["withheld"] == 0
