"""Brings the tables to the shape this version needs: numbered files, forward only.

Every statement of a migration is written so that it may run twice (IF NOT EXISTS, OR REPLACE):
workers that start at the same moment all run it, and one that was killed half-way runs it again.
A migration is recorded only after its last statement, with the checksum of its text.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from pipeline import declarations
from pipeline.clickhouse import sql
from pipeline.clickhouse.client import taming
from pipeline.errors import SettingsError

_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_JOURNAL: Final = """
CREATE TABLE IF NOT EXISTS analytics.migrations
(
    number     UInt32 COMMENT 'number of the migration',
    name       String COMMENT 'name of its file',
    checksum   String COMMENT 'SHA-256 of its text, hexadecimal',
    applied_at DateTime('UTC') DEFAULT now() COMMENT 'when its last statement had run'
)
ENGINE = ReplacingMergeTree(applied_at) ORDER BY number
COMMENT 'which migrations have been applied'
"""
_DAYS: Final = re.compile(r"\bTTL (\w+) \+ toIntervalDay\((least\(\d+, )?(\d+)\)")
"""How long a table keeps its rows: as long as the policy says, or at most some days."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``schemas/clickhouse``; its checksum is that of the text with placeholders."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def known(folder: Path | None = None) -> tuple[Migration, ...]:
    """Return the migrations of ``folder`` (the packaged ones where None), in order.

    Raises SettingsError where numbers are missing or used twice.
    """
    source = folder or declarations.folder() / "clickhouse"
    found = tuple(
        Migration(int(match[1]), path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(source.glob("*.sql"))
        if (match := _NAME.fullmatch(path.name))
    )
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise SettingsError(f"{source}: number the migrations 0001, 0002, … once each")
    return found


def migrate(client: Client, *, rollups_days: int, folder: Path | None = None) -> tuple[str, ...]:
    """Apply what is missing and set the tables' retention; return the names applied now.

    Raises SettingsError where an applied migration has been edited since, or where the database
    is newer than this version; UnavailableError where the engine does not answer.
    """
    migrations = known(folder)
    with taming("migrating"):
        client.command("CREATE DATABASE IF NOT EXISTS analytics")
        client.command(_JOURNAL)
        applied = _applied(client)
        _check(migrations, applied)
        fresh = [m for m in migrations if m.number not in applied]
        for migration in fresh:
            text = migration.text.replace("{rollups_days}", str(rollups_days))
            for statement in sql.statements(text):
                client.command(statement)
            client.command(
                "INSERT INTO analytics.migrations (number, name, checksum) "
                "SELECT {number:UInt32}, {name:String}, {checksum:String}",
                parameters={
                    "number": migration.number,
                    "name": migration.name,
                    "checksum": migration.checksum,
                },
            )
        _retain(client, rollups_days)
    return tuple(m.name for m in fresh)


def _applied(client: Client) -> dict[int, str]:
    rows = client.query("SELECT number, checksum FROM analytics.migrations FINAL").result_rows
    return {int(number): str(checksum) for number, checksum in rows}


def _check(migrations: tuple[Migration, ...], applied: dict[int, str]) -> None:
    newest = max(applied, default=0)
    if newest > len(migrations):
        raise SettingsError(
            f"clickhouse: migration {newest:04d} was applied by a newer partywall; upgrade this one"
        )
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise SettingsError(
                f"clickhouse: {migration.name} was changed after it was applied; "
                "restore it and write a new migration"
            )


def _retain(client: Client, rollups_days: int) -> None:
    """Alter the TTL of the tables that keep another number of days."""
    tables = client.query(
        "SELECT name, engine_full FROM system.tables WHERE database = 'analytics'"
    ).result_rows
    for name, definition in tables:
        match = _DAYS.search(str(definition))
        if match is not None and int(match[3]) != rollups_days:
            most = match[2] or ""
            client.command(
                f"ALTER TABLE analytics.{name} MODIFY TTL {match[1]} + "
                f"toIntervalDay({most}{rollups_days}{')' if most else ''})"
            )
