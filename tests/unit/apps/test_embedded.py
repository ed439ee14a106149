"""The folder of an embedded group: closed to others, and of one k."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pipeline import settings
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


def test_what_a_process_writes_is_closed_to_others(tmp_path: Path) -> None:
    """Whatever its owner's umask is: the engine gives its files all rights that it may give."""
    (tmp_path / "log").mkdir(mode=0o700)
    (tmp_path / "log/load.log").touch(0o644)
    before = os.umask(0o022)
    try:
        asyncio.run(start(Group(tmp_path, processes=(("load",),))))
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if not path.is_socket()]
    assert {path.name for path in made} >= {"load.log", "broker.log", "clickhouse", "metadata"}
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


def test_a_folder_that_all_share_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """As /tmp is: it must not be closed to the others."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(UsageError, match="is shared by all: choose one of your own"):
        asyncio.run(start(Group(folder, processes=())))
    assert folder.stat().st_mode & 0o7777 == 0o1777


def test_no_stage_writes_beside_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every path of the settings lies in it; one that is not set would be below where we stand."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    folder = tmp_path / "data"
    asyncio.run(start(Group(folder, processes=())))
    monkeypatch.setenv("PARTYWALL_CONFIG", str(folder / "settings.yaml"))
    made = settings.load()
    paths = {
        str(value).removeprefix("unix://")
        for branch in (made, made.vault, made.keys, made.clickhouse)
        for name, value in branch
        if isinstance(value, Path) or name == "url"
    }
    assert {str(folder / name) for name in ("vault", "state", "clickhouse")} <= paths
    assert all(path == "None" or Path(path).is_relative_to(folder) for path in paths), paths


def test_a_folder_keeps_to_one_k(tmp_path: Path) -> None:
    """Its tables do not say which of their rows are anonymous."""
    folder = tmp_path / "data"
    asyncio.run(start(Group(folder, {"k": 1}, processes=())))
    for k in ({}, {"k": 10}, {"k": 20}):
        with pytest.raises(UsageError, match=f"holds numbers of k 1, and k is {k.get('k', 10)} "):
            asyncio.run(start(Group(folder, dict(k), processes=())))
    asyncio.run(start(Group(folder, {"k": 1}, processes=())))


def test_a_folder_that_named_no_k_is_of_the_policys(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("split: {}\n")
    with pytest.raises(UsageError, match="holds numbers of k 10, and k is 1 now: say --k 10"):
        asyncio.run(start(Group(tmp_path, {"k": 1}, processes=())))
    asyncio.run(start(Group(tmp_path, processes=())))


def test_split_gives_way_to_the_stages_behind_it(tmp_path: Path) -> None:
    """However nice the group itself is: a person who is not root can only become nicer."""

    async def niceness() -> dict[str, int]:
        async with Group(tmp_path, processes=(("keys",), ("split",))) as group:
            return {
                name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in group.pids().items()
            }

    found = asyncio.run(niceness())
    assert found["keys"] == os.getpriority(os.PRIO_PROCESS, 0)
    assert found["split"] > found["keys"]
