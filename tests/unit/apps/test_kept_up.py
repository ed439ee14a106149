"""The upkeep of the vault's folders: what is wrong with one holds no other up."""

from __future__ import annotations

from pathlib import Path

from pipeline.apps.vault import keep_up
from pipeline.vault.storage import LocalStorage
from tests.unit.vault.test_upkeep import FIRST, FOLDER, KEPT, filled


def test_a_damaged_folder_is_told_and_passed_over(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST)
    for path in (tmp_path / FOLDER / "manifest").iterdir():
        path.write_bytes(b"{}")
    keep_up(storage, FOLDER, KEPT)
    assert len(storage.names(f"{FOLDER}/segments")) == 3, "nothing is removed of what is damaged"
