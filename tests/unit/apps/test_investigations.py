"""The pages as a process: who may be signed in by name, and where; the audit log is the gate's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from pipeline.apps import investigations, stage
from pipeline.apps.folder import places
from pipeline.apps.investigations import Worker
from pipeline.audit.reading import Reader
from pipeline.audit.signing import read_vkey
from pipeline.errors import SettingsError
from pipeline.investigations import retention
from pipeline.investigations.desk import Desk
from pipeline.settings import Settings
from tests.support.pages import Browser


def _settings(folder: Path, **own: object) -> Settings:
    tree = places(folder)
    tree["investigations"] |= {"port": 0, **own}
    return Settings(**tree)


async def test_nobody_signs_in_by_name_outside_of_an_embedded_group(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"investigations\.oidc: name a provider"):
        await Worker(_settings(tmp_path), embedded=False).start()


async def test_nobody_signs_in_by_name_from_another_machine(tmp_path: Path) -> None:
    settings = _settings(tmp_path, host="0.0.0.0", origin="https://cases.example.com")  # noqa: S104
    with pytest.raises(SettingsError, match=r"served on 127\.0\.0\.1 alone"):
        await Worker(settings, embedded=True).start()


def test_the_pages_share_a_process_with_no_stage(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a process of its own"):
        stage.main(["investigations", "load"], _settings(tmp_path))


async def test_it_serves_lets_in_by_name_and_writes_that_into_the_log(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    worker = Worker(settings, embedded=True)
    origin = await worker.start()
    try:
        browser = Browser.at(origin)
        await browser.sign_in("investigator")
        await browser.get("/")
        assert browser.title == "Cases"
        await browser.http.aclose()
    finally:
        await worker.stop()
    reader = Reader(settings.audit.folder, read_vkey(settings.audit.vkey))
    said = [(entry.actor, entry.act, entry.outcome) for _, entry in reader.entries()]
    assert said == [
        ("config", "config.policy", "allowed"),
        ("config", "config.settings", "allowed"),
        ("config", "config.keys", "allowed"),
        ("config", "config.people", "allowed"),
        ("investigator", "login", "allowed"),
    ]
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(origin)


async def test_it_purges_what_is_due_at_its_start_and_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[Desk] = []
    twice, loop = asyncio.Event(), asyncio.get_running_loop()

    def turn(desk: Desk) -> None:
        rounds.append(desk)
        if len(rounds) == 2:
            loop.call_soon_threadsafe(twice.set)

    monkeypatch.setattr(retention, "turn", turn)
    monkeypatch.setattr(investigations, "_PURGE_SECONDS", 0.01)
    worker = Worker(_settings(tmp_path), embedded=True)
    await worker.start()
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(30):
            await twice.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.stop()
    assert rounds[0] is rounds[1]
