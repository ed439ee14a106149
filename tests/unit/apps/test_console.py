"""The console as a process: what it refuses to start with, and what it starts with."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx2
import pytest

from pipeline.apps.console import Worker
from pipeline.clickhouse import remote
from pipeline.clickhouse.queries import Row
from pipeline.errors import SettingsError
from pipeline.settings import ClickHouse, Console, ConsoleToken, Settings, Windows

TOKEN = "t" * 40


def settings(tmp_path: Path, *, url: str | None = None, port: int = 1, **own: object) -> Settings:
    """Settings whose files are in a folder of the test."""
    files = {"key_file": tmp_path / "key", "word_file": tmp_path / "word", "port": 0}
    return Settings(
        console=Console(**(files | own)),
        clickhouse=ClickHouse(url=url, endpoint_port=port),
    )


def team(tmp_path: Path) -> dict[str, ConsoleToken]:
    """A team that may sign in."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return {"team": ConsoleToken(token_file=path, sites=["shop"])}


async def test_in_a_group_it_serves_whoever_has_the_link_alone(tmp_path: Path) -> None:
    worker = Worker(settings(tmp_path), embedded=True)
    link = await worker.start()
    try:
        assert link.startswith("http://127.0.0.1:")
        assert stat.S_IMODE((tmp_path / "word").stat().st_mode) == 0o600
        async with httpx2.AsyncClient() as browser:
            assert (await browser.get(link[:-3])).status_code == 403
            assert (await browser.get(link)).status_code == 200
            origin = link.partition("/enter")[0]
            answer = await browser.get(f"{origin}/sites/shop")
            assert answer.status_code == 503
            assert "The tables do not answer" in answer.text
    finally:
        await worker.stop()


async def test_in_service_it_serves_whoever_has_a_token_and_makes_no_word(tmp_path: Path) -> None:
    worker = Worker(settings(tmp_path, tokens=team(tmp_path)), embedded=False)
    origin = await worker.start()
    try:
        assert "token" not in origin
        assert not (tmp_path / "word").exists()
        async with httpx2.AsyncClient(base_url=origin, headers={"origin": origin}) as browser:
            answer = await browser.post("/sign-in", data={"token": "wrong"})
            assert answer.status_code == 403
            answer = await browser.post("/sign-in", data={"token": TOKEN})
            assert answer.headers["location"] == "/"
            assert TOKEN not in answer.headers["set-cookie"]
    finally:
        await worker.stop()


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"tokens": {}}, "console.tokens: name those who may sign in"),
        ({"host": "0.0.0.0"}, "console.origin: say what browsers call"),  # noqa: S104
        ({"origin": "http://numbers.example.com"}, "console.origin: give an https URL"),
        ({"password_file": "/nowhere", "url": "http://127.0.0.1:1"}, "console.password_file"),
        ({"port_of_engine": 0}, "clickhouse.url: name the server"),
        ({"key_file": Path("/proc/nowhere/key")}, "console.key_file"),
    ],
    ids=["nobody", "origin", "http", "password", "tables", "key"],
)
async def test_what_is_missing_is_named(tmp_path: Path, own: dict[str, object], said: str) -> None:
    url, port = own.pop("url", None), own.pop("port_of_engine", 1)
    made = settings(tmp_path, url=url, port=port, **({"tokens": team(tmp_path)} | own))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=said):
        await Worker(made, embedded=False).start()


@pytest.mark.parametrize("own", [{"host": "0.0.0.0"}, {"origin": "https://numbers.example.com"}])  # noqa: S104
async def test_the_console_of_a_group_is_for_this_machine_alone(
    tmp_path: Path, own: dict[str, object]
) -> None:
    with pytest.raises(SettingsError, match=r"127\.0\.0\.1 alone"):
        await Worker(settings(tmp_path, **own), embedded=True).start()  # type: ignore[arg-type]


async def test_page_and_api_are_by_the_clock_that_the_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tables(_: str, statement: str) -> list[Row]:
        days = {"first_day": "2026-11-28", "last_day": "2026-11-29"}
        return [{"site": "shop", **days}] if "GROUP BY site" in statement else []

    monkeypatch.setattr(remote, "query", tables)
    windows = Windows(zones={"shop": "Asia/Kathmandu"})
    made = settings(tmp_path, tokens=team(tmp_path)).model_copy(update={"windows": windows})
    worker = Worker(made, embedded=False)
    origin = await worker.start()
    try:
        async with httpx2.AsyncClient(base_url=origin, headers={"origin": origin}) as browser:
            await browser.post("/sign-in", data={"token": TOKEN})
            card = await browser.get("/sites/shop/cards/live")
            told = await browser.get("/v1/live?site=shop")
    finally:
        await worker.stop()
    assert "Asia/Kathmandu, by minutes" in card.text
    assert told.json()["zone"] == "Asia/Kathmandu"


async def test_a_zone_that_there_is_not_stops_the_start(tmp_path: Path) -> None:
    made = settings(tmp_path).model_copy(update={"windows": Windows(zone="Mars")})
    with pytest.raises(SettingsError, match=r"windows\.zone: Mars is no time zone"):
        await Worker(made, embedded=True).start()
