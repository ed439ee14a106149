"""A widget's events and a web server's lines: through every stage together, and never mixed.

Both come under one ingest on two topics, and the widget's are counted here in plain Python.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer

from pipeline import policy
from pipeline.apps import oneshot
from pipeline.apps.embedded import Group
from pipeline.clickhouse.remote import query
from pipeline.clock import system_clock
from pipeline.demo.plants import Garden
from pipeline.demo.search import Blob, Findings, Searcher, walk
from pipeline.kafka import client, topics
from pipeline.kafka.reading import read_all
from pipeline.vault.status import vault_status
from tests.support import ingests

DECLARED: Final = topics.declared(policy.load().current.retention)
DAY: Final = 86_400
INGEST: Final = "both-1"
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:1{}.0) Gecko/20100101 Firefox/1{}.0"
WEB_LINES: Final = 400
LABELS: Final = {
    name: [("site", b"shop"), ("source", b"test"), ("format", name.encode()),
           ("ingest", INGEST.encode())]
    for name in ("combined", "widget")
}  # fmt: skip


@dataclass(slots=True)
class Sent:
    """Widget lines, what they come to, and the personal values in them."""

    lines: list[str] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)
    people: defaultdict[str, set[tuple[object, ...]]] = field(
        default_factory=lambda: defaultdict(set)
    )
    unread: int = 0
    garden: Garden = field(default_factory=lambda: Garden(random.Random(5)))


def widget(start: int, seed: int = 5, count: int = 900) -> Sent:
    """Events of 40 visitors on one day, some of whom want no pseudonym, and some bad lines."""
    draw, sent = random.Random(seed), Sent()
    visitors = [
        (sent.garden.ipv4("198.18.0.0/15"), AGENT.format(n % 30, n % 30)) for n in range(40)
    ]
    for at in range(count):
        number = draw.randrange(40)
        address, agent = visitors[number]
        name = draw.choice(["loaded", "loaded", "opened", "message_sent", "rated", "ordered"])
        event: dict[str, object] = {
            "event": name,
            "v": 1,
            "time": (start + at * DAY // count) * 1000,
            "page": f"https://shop.example/help?mail={sent.garden.email()}",
            "visitor_name": sent.garden.plant("name", f"Visitor {draw.getrandbits(60):x}"),
            "visitor_email": sent.garden.email(),
            "text": sent.garden.plant("text", f"message {draw.getrandbits(60):x}"),
            "custom": {"order": sent.garden.plant("order", f"order {draw.getrandbits(60):x}")},
        }
        told = name
        if name == "message_sent":
            event["by"] = draw.choice(["visitor", "agent"])
            told = f"message_by_{event['by']}"
        if name == "rated":
            event["rating"] = draw.randint(1, 5)
        nobody = number % 8 == 0
        sent.lines.append(
            json.dumps(
                {
                    "received": (start + at * DAY // count) * 1000 + 40,
                    "address": address,
                    "agent": agent,
                    "privacy": "no-pseudonym" if nobody else None,
                    "event": event,
                }
            )
        )
        if name == "ordered":
            sent.unread += 1
            continue
        sent.hits[told] += 1
        sent.people[told].add(("nobody",) if nobody else (address, agent))
    return sent


def web(start: int) -> list[str]:
    """Requests of 20 visitors on the same day."""
    moments = [start + at * DAY // WEB_LINES for at in range(WEB_LINES)]
    return [
        f"10.0.0.{at % 20 + 1} - - "
        f"[{dt.datetime.fromtimestamp(when, dt.UTC):%d/%b/%Y:%H:%M:%S +0000}] "
        f'"GET /a HTTP/1.1" 200 7 "-" "{AGENT.format(20, 20)}"'
        for at, when in enumerate(moments)
    ]


@dataclass(slots=True)
class Found:
    """What there is in the end."""

    traffic: list[dict[str, Any]]
    values: dict[tuple[str, str, str], tuple[int, int]]
    outcomes: Counter[tuple[str, str, str]]
    at_rest: list[Blob]
    data: Path


@pytest.fixture(scope="module")
def sent() -> Sent:
    return widget(_start())


def _start() -> int:
    return (int(system_clock().timestamp()) - 9 * DAY) // DAY * DAY


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, sent: Sent) -> Found:
    return asyncio.run(_run(tmp_path_factory.mktemp("group"), sent))


async def _run(folder: Path, sent: Sent) -> Found:
    async with Group(folder / "data", {"k": 1}) as group:
        producer = await client.started(
            lambda: client.producer(group.kafka()), AIOKafkaProducer.start, 30
        )
        try:
            await _ship(producer, sent)
        finally:
            await producer.stop()
        await oneshot.finished(group, INGEST, DECLARED["cells"].partitions)
        await oneshot.sealed(group, len(sent.lines) + WEB_LINES)
        traffic = await asyncio.to_thread(
            query, group.engine, "SELECT * FROM analytics.traffic_daily"
        )
        values = await asyncio.to_thread(
            query, group.engine, "SELECT * FROM analytics.breakdown_daily"
        )
        rows: Any = vault_status(str(group.folder / "vault"))["outcomes"]
        at_rest = [
            Blob(f"{topic.name}:{record.partition}:{record.offset}", record.value)
            for topic in DECLARED.values()
            if topic.tier != "raw"
            async for record in read_all(group.kafka(), topic.name, topic.partitions)
            if record.value
        ]
    counted: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        counted[row["site"], row["outcome"], row["reason"] or ""] += row["records"]
    return Found(
        [dict(row) for row in traffic],
        {
            (str(r["site"]), str(r["dimension"]), str(r["value"])):
            (int(str(r["hits"])), int(str(r["visitors"])))
            for r in values
        },
        counted,
        at_rest,
        folder / "data",
    )  # fmt: skip


async def _ship(producer: AIOKafkaProducer, sent: Sent) -> None:
    """The web server's lines first, to their end: so the widget's come as late as can be."""
    await ingests.begin(producer, LABELS["combined"], topics.RAW, DECLARED)
    for name, lines in (("combined", web(_start())), ("widget", sent.lines)):
        for at in range(0, len(lines), 50):
            await producer.send_and_wait(
                topics.WIDGET if name == "widget" else topics.WEB,
                "\n".join(lines[at : at + 50]).encode(),
                partition=at // 50 % 4,
                headers=LABELS[name],
            )
        if name == "combined":
            for partition in range(4):
                headers = [*LABELS[name], ("control", b"end")]
                await producer.send_and_wait("logs.web", b"", partition=partition, headers=headers)
    await ingests.end(producer, LABELS["widget"], DECLARED)


def test_every_line_is_accounted_for_under_its_own_site(found: Found, sent: Sent) -> None:
    assert found.outcomes == {
        ("shop", "event", ""): WEB_LINES,
        ("shop.widget", "event", ""): sent.hits.total(),
        ("shop.widget", "rejected", "unknown_event"): sent.unread,
    }
    assert sent.unread


def test_each_event_is_counted_exactly(found: Found, sent: Sent) -> None:
    told = {
        value: cell for (site, name, value), cell in found.values.items()
        if site == "shop.widget" and name == "event"
    }  # fmt: skip
    assert told == {name: (hits, len(sent.people[name])) for name, hits in sent.hits.items()}
    [row] = [row for row in found.traffic if row["site"] == "shop.widget"]
    everybody = set().union(*sent.people.values())
    assert (int(row["hits"]), int(row["visitors"])) == (sent.hits.total(), len(everybody))


def test_page_views_and_widget_events_do_not_mix(found: Found) -> None:
    hits = {row["site"]: int(row["hits"]) for row in found.traffic}
    assert hits.keys() == {"shop", "shop.widget"}
    assert hits["shop"] == WEB_LINES
    assert found.values["shop", "event", "request"] == (WEB_LINES, 20)
    assert ("shop.widget", "event", "request") not in found.values


def _search(sent: Sent, blobs: list[Blob]) -> Findings:
    return Searcher(sent.garden.plants).search(blobs)


def test_nobody_is_in_anything_at_rest(found: Found, sent: Sent) -> None:
    """Messages of every topic but the raw ones, and every file that the group leaves."""
    findings = _search(sent, [*found.at_rest, *walk(found.data)])
    assert not {f"{hit.kind} as {hit.encoding} in {hit.where}" for hit in findings.hits}
    assert not findings.packed_leak
    assert findings.unread == []
    assert len(sent.garden.plants) > 2_000
