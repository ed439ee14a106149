"""Refuses a second count of what was counted and released into a data folder before."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from pipeline.clickhouse.client import Engine, connect, taming
from pipeline.errors import UsageError
from pipeline.rows import TABLES

_NAMES: Final = ", ".join(
    f"'{table}'" for table in ("ingests", *(f"{name}_revisions" for name in TABLES))
)
_RELEASED: Final = (
    # Those that there are: an older version made fewer, and one that was killed early made none.
    "SELECT sum(total_rows) FROM system.tables "  # noqa: S608 -- names of our own
    f"WHERE database = 'analytics' AND name IN ({_NAMES})"
)


def refuse_released(folder: Path) -> None:
    """Raise UsageError where numbers were released into a folder before.

    A second report is mostly of the same lines, under an ingest of its own: the release protects
    neither count against the other, and one less the other may be a single visitor.
    """
    if _released(folder / "clickhouse"):
        raise UsageError(
            f"data folder {folder} holds released numbers already, and a second count of the same "
            f"lines would give away what the first one hides: ask it with `partywall query --data "
            f"{folder}`, or choose an empty folder with --data"
        )


def _released(tables: Path) -> bool:
    if not tables.is_dir():
        return False
    with (
        contextlib.closing(connect(Engine(path=tables), read_only=True)) as client,
        taming("looking"),
    ):
        [(rows,)] = client.query(_RELEASED).result_rows
        return bool(rows)
