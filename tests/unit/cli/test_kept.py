"""What a data folder says of itself while nothing runs in it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from pipeline.cli.kept import refuse_released
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate


def test_a_folder_into_which_nothing_was_released_takes_a_report(tmp_path: Path) -> None:
    """New, or left by a group that ended while it started or before it released a number."""
    refuse_released(tmp_path)
    with contextlib.closing(connect(Engine(path=tmp_path / "clickhouse"))) as client:
        refuse_released(tmp_path)
        migrate(client, rollups_days=10)
    refuse_released(tmp_path)
