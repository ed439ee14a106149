"""Whoever may read the token may borrow the keys of the day."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.apps.keys import token
from pipeline.errors import SettingsError


def test_it_is_made_closed_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys/split.token"
    made = token(path)
    assert len(made) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert token(path) == made


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o622])
def test_one_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "split.token"
    path.write_text("a-token-of-the-role-split-000000001")
    path.chmod(mode)
    with pytest.raises(SettingsError, match="others may read it; run chmod 600"):
        token(path)
