"""Migrations run forward, once, and again without harm."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from pipeline import declarations
from pipeline.clickhouse import sql
from pipeline.clickhouse.migrations import known, migrate
from pipeline.errors import SettingsError
from pipeline.rows import TABLES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the packaged migrations that a test may edit."""
    return Path(shutil.copytree(declarations.folder() / "clickhouse", tmp_path / "migrations"))


def test_applies_each_once_and_records_its_checksum(bare: Client) -> None:
    assert migrate(bare, rollups_days=30) == tuple(m.name for m in known())
    assert migrate(bare, rollups_days=30) == ()
    rows = bare.query("SELECT number, checksum FROM analytics.migrations ORDER BY number")
    assert rows.result_rows == [(m.number, m.checksum) for m in known()]


def test_every_statement_may_run_twice_as_when_workers_start_together(client: Client) -> None:
    for migration in known():
        for statement in sql.statements(migration.text.replace("{rollups_days}", "1100")):
            client.command(statement)


def test_a_worker_killed_before_recording_finishes_next_time(client: Client) -> None:
    client.command("TRUNCATE TABLE analytics.migrations")
    assert len(migrate(client, rollups_days=1100)) == len(known())


def test_an_edited_migration_is_refused(client: Client, folder: Path) -> None:
    first = folder / "0001_rollups.sql"
    first.write_text(first.read_text() + "\n-- an afterthought\n")
    with pytest.raises(SettingsError, match="0001_rollups was changed"):
        migrate(client, rollups_days=1100, folder=folder)


def test_an_older_version_does_not_touch_a_newer_database(client: Client, folder: Path) -> None:
    (folder / f"{known()[-1].name}.sql").unlink()
    with pytest.raises(SettingsError, match="newer partywall"):
        migrate(client, rollups_days=1100, folder=folder)


def test_a_gap_in_the_numbers_is_refused(folder: Path) -> None:
    (folder / "0001_rollups.sql").unlink()
    with pytest.raises(SettingsError, match="once each"):
        known(folder)


def test_retention_follows_its_setting(client: Client) -> None:
    migrate(client, rollups_days=7)
    definitions = client.query(
        "SELECT name, engine_full FROM system.tables WHERE database = 'analytics' "
        "AND (name LIKE '%_revisions' OR name = 'ingests')"
    ).result_rows
    assert len(definitions) == len(TABLES) + 1
    kept = {name: re.search(r"toIntervalDay\((.+?)\)+ ", made)[1] for name, made in definitions}  # type: ignore[index]
    assert kept.pop("health_minute_revisions") == "least(30, 7"
    assert kept.pop("response_time_minute_revisions") == "least(30, 7"
    assert set(kept.values()) == {"7"}


def test_every_column_of_every_table_says_what_it_holds(client: Client) -> None:
    silent = client.query(
        "SELECT c.table, c.name FROM system.columns AS c "
        "INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table "
        "WHERE c.database = 'analytics' AND t.engine != 'View' AND c.comment = ''"
    )
    assert silent.result_rows == []


def test_whose_clock_a_window_is_by_is_said_at_its_column(client: Client) -> None:
    said = client.query(
        "SELECT c.comment FROM system.columns AS c "
        "INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table "
        "WHERE c.database = 'analytics' AND t.engine != 'View' AND c.name = 'window_start'"
    ).result_rows
    assert len(said) == len(TABLES)
    assert all("by the clock of the site" in comment for (comment,) in said)
