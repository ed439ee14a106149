"""``digest`` and ``alerts`` as a person types them."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clock import system_clock
from tests.support.released import Released

LAST = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine weeks of a site, the last day tenfold."""
    with closing(connect(Engine(path=tmp_path / "clickhouse"))) as client:
        migrate(client, rollups_days=1100)
        rows = Released(client)
        for before in range(1, 60):
            day = LAST - dt.timedelta(days=before)
            rows.segments(day, view=200, failed=40, request=400, bot=100)
        rows.segments(LAST, view=2000, failed=40, request=400, bot=100)
        rows.write()
    return tmp_path


def typed(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_a_week_is_printed_and_what_was_unusual_ends_with_1(folder: Path) -> None:
    code, said = typed("digest", "--data", str(folder), "--week", "2026-W47")
    assert code == 0
    assert "shop: 16 Nov to 22 Nov 2026 (2026-W47), UTC" in said
    assert "page views                         3,200         1,400         +129%" in said
    code, said = typed("alerts", "--data", str(folder))
    assert code == 1
    assert "page views 2,000, where 200 is usual" in said
    code, said = typed("alerts", "--data", str(folder), "--site", "shop", "--json")
    assert (code, [alert["site"] for alert in orjson.loads(said)]) == (1, ["shop"])


class Mails(Message):
    """Puts what comes into a queue."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    def handle_message(self, message: Any) -> None:  # noqa: ANN401 -- aiosmtpd's
        self.queue.put_nowait(message)


async def test_a_process_that_follows_sends_the_week_that_is_over_once_and_ends_when_told(
    tmp_path: Path,
) -> None:
    """Ended and started again it sends nothing twice."""
    today = dt.datetime.combine(system_clock().date(), dt.time(), dt.UTC)
    with closing(connect(Engine(path=tmp_path / "clickhouse"))) as client:
        migrate(client, rollups_days=1100)
        rows = Released(client)
        for before in range(22):
            rows.segments(today - dt.timedelta(days=before), view=200, failed=40, request=400)
        rows.write()
    mails = Mails()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(SMTP, mails, hostname="mail"), "127.0.0.1", 0)
    config = tmp_path / "partywall.yaml"
    email = {
        "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "security": "none",
        "sender": "stats@shop.example", "to": ["desk@shop.example"],
    }  # fmt: skip
    about = {"weekday": "monday", "hour": 0, "email": email}
    config.write_text(yaml.safe_dump({"digest": about}))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PARTYWALL_")}
    words = ["digest", "--follow", "--data", str(tmp_path), "--config", str(config)]

    async def started() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pipeline", *words, env=environment,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async with server, asyncio.timeout(120):
        first = await started()
        mail = await mails.queue.get()
        assert mail["Subject"].endswith("page views 1,400 (as before)")
        assert first.stderr is not None
        assert b"a digest was sent" in await first.stderr.readline()
        first.send_signal(signal.SIGTERM)
        assert await first.wait() == 0
        code, said = await asyncio.to_thread(typed, *words[:1], "--send", *words[2:])
        assert (code, said) == (0, "")
    assert mails.queue.empty()
