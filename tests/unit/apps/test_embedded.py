"""The folder of an embedded group: closed to others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipeline.apps.embedded import Group
from pipeline.errors import UsageError


async def start(group: Group) -> None:
    async with group:
        pass


def test_a_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    """Raw lines are sealed in there, and the keys to them lie beside."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "settings.yaml").touch(0o644)
    asyncio.run(start(Group(folder, processes=())))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "settings.yaml").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_all_share_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """As /tmp is: it must not be closed to the others."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(UsageError, match="is shared by all: choose one of your own"):
        asyncio.run(start(Group(folder, processes=())))
    assert folder.stat().st_mode & 0o7777 == 0o1777
