"""The collector beside all else: under ``partywall up``, and before a broker that is away."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pipeline import policy
from pipeline.apps import oneshot
from pipeline.apps.embedded import Group
from pipeline.kafka import client, topics
from pipeline.settings import Kafka
from pipeline.vault.status import vault_status
from tests.support.collector_process import Collecting
from tests.support.kafka_server import KafkaServer, missing

ORIGIN = "https://shop.example.com"
EVENT = {"event": "opened", "v": 1, "page": f"{ORIGIN}/cart"}


def post(url: str, body: object, **headers: str) -> int:
    """Post JSON; return the status."""
    assert url.startswith("http://127.0.0.1:")
    request = Request(url, json.dumps(body).encode(), {"Origin": ORIGIN, **headers})  # noqa: S310 -- so it is
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310 -- the collector's own
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


@contextmanager
def up(folder: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """Run the group as a service; yield what it says by its first word."""
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "up", "--data", "data", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said: dict[str, str] = {}
        for line in process.stdout:
            said[line.split()[0]] = line.split()[1]
            if line.startswith("data "):
                break
        try:
            yield said
        finally:
            process.terminate()
            process.stdout.read()
    assert process.returncode == 0


def status(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "status", "--data", "data", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_up_takes_events_and_status_says_where_they_went(tmp_path: Path) -> None:
    with up(tmp_path, "--widget", f"shop={ORIGIN}") as said:
        url = f"{said['collect']}/v1/events"
        assert post(f"{url}?site=shop", {"events": [EVENT] * 3}) == 202
        assert post(f"{url}?site=shop", EVENT, DNT="1") == 204
        assert post(f"{url}?site=other", EVENT) == 404
        while (found := status(tmp_path))["collected"]["received"] < 3:
            pass
    collected = found["collected"]
    assert (collected["received"], collected["in_flight"]) == (3, 0)
    assert collected["outcomes"] == {"acknowledged": 1, "dropped": 1, "unknown_site": 1}
    assert collected["lines"] == [
        {"topic": "logs.widget", "site": "shop", "outcome": "acknowledged", "lines": 3}
    ]


async def test_split_takes_what_the_collector_writes(tmp_path: Path) -> None:
    """An event, one whose visitor is nobody, one that no schema knows: each is accounted for."""
    site = {"origins": [ORIGIN], "privacy": {"dnt": "anonymous"}}
    settings = {"collect": {"port": 0, "sites": {"shop": site}}}
    stages = (("keys",), ("collect",), ("split",), ("vault",))
    async with Group(tmp_path, settings, processes=stages) as group:
        url = f"{group.collector}/v1/events?site=shop"
        for body, headers in ((EVENT, {}), (EVENT, {"DNT": "1"}), ({"event": "none"}, {})):
            assert await asyncio.to_thread(post, url, body, **headers) == 202
        await oneshot.sealed(group, 3)
    found: Any = vault_status(str(tmp_path / "vault"))["outcomes"]
    outcomes = {(row["source"], row["outcome"]): row["records"] for row in found}
    assert outcomes == {("collector", "event"): 2, ("collector", "rejected"): 1}
    assert all(row["site"].startswith("shop") for row in found)


async def create(kafka: Kafka) -> None:
    admin = client.admin(kafka)
    await admin.start()
    try:
        declared = topics.declared(policy.load().current.retention)
        await topics.create(admin, [declared["logs.widget"]], replication=1)
        await topics.seen(admin, ["logs.widget"])
    finally:
        await admin.close()


@pytest.mark.kafka
def test_a_broker_that_is_away_and_comes_back(tmp_path: Path) -> None:
    """Frozen: nobody hears yes. Killed and started again: what is repeated is there once."""
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with KafkaServer(tmp_path / "kafka") as server:
        kafka = Kafka(bootstrap=server.bootstrap)
        asyncio.run(create(kafka))
        collecting = Collecting(
            tmp_path / "collect",
            kafka,
            idempotence=True,
            sites={"shop": {"origins": [ORIGIN]}},
            ack_seconds=2,
        )
        collecting.start()
        try:
            url = f"{collecting.url}/v1/events?site=shop"
            assert post(url, EVENT) == 202
            server.pause()
            frozen = {"batch": "1-1-1-1", "events": [EVENT] * 2}
            assert post(url, frozen) == 503
            server.resume()
            while post(url, frozen) != 202:
                pass
            server.kill()
            killed = {"batch": "2-2-2-2", "events": [EVENT] * 4}
            assert post(url, killed) == 503
            server.restart()
            while post(url, killed) != 202:
                pass
            metrics = collecting.metrics()
            assert len(collecting.lines()) == 1 + 2 + 4
            assert metrics['partywall_collect_lines_total{outcome="acknowledged"}'] == 1 + 2 + 4
        finally:
            collecting.kill()
