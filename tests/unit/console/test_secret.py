"""The two private files are made once, closed to others, and never guessed around."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.console.secret import read_or_make
from pipeline.errors import SettingsError


def test_it_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "console" / "key"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: read_or_make(path, "console.key_file"), range(24)))
    assert len(found) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["key"]


@pytest.mark.parametrize("content", [b"", b"short\n", "ä".encode() * 40])
def test_what_holds_no_secret_is_refused_by_its_setting(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"console\.key_file"):
        read_or_make(path, "console.key_file")


def test_what_all_may_read_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("k" * 43)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="all may read"):
        read_or_make(path, "console.key_file")
