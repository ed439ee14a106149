"""The vault's worker binds days that are over and removes those past their time, by itself."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from pipeline.clock import stopwatch, system_clock
from pipeline.restricted.seal import seal
from pipeline.vault.check import check
from pipeline.vault.status import vault_status
from pipeline.vault.storage import LocalStorage
from pipeline.vault.volumes import Volumes
from pipeline.vault.writer import SegmentWriter
from tests.unit.sealed.records import START, day_key, records

FAR_TOO_LONG = 120.0


def sealed(vault: Path, log: str, day: int) -> None:
    """A chain of another broker's, sealed on a day."""
    writer = SegmentWriter(str(vault), 0, log)
    writer.open()
    key = replace(day_key().key, key_id=f"{day}-a", day=day)
    for message in seal(records(range(20)), key, source="logs.web:0", hour=START):
        writer.add(0, message)
    writer.flush()


def test_a_running_group_keeps_its_vault_up(tmp_path: Path) -> None:
    vault = tmp_path / "data" / "vault"
    today = int(system_clock().timestamp()) // 86_400
    sealed(vault, "old", 18_000)
    sealed(vault, "recent", today - 3)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "up", "--data", "data"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    storage, pause, began = LocalStorage(vault), threading.Event(), stopwatch()
    try:
        while (
            vault_status(storage)["expired"] != 20 or not Volumes(storage, "sealed-recent-0").all()
        ):
            assert process.poll() is None
            assert stopwatch() - began < FAR_TOO_LONG
            pause.wait(0.2)
    finally:
        process.terminate()
        process.wait(FAR_TOO_LONG)
    assert storage.names("sealed-old-0/segments") == []
    assert len(storage.names("sealed-recent-0/segments")) == 3
    assert vault_status(storage)["records"] == 20
    assert check(storage) == []
