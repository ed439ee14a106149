"""The embedded group over simulated traffic, and everything it left behind or showed of itself."""

from __future__ import annotations

import asyncio
import os
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from pipeline import policy
from pipeline.apps import oneshot, ship
from pipeline.apps.embedded import Group
from pipeline.clock import system_clock
from pipeline.demo.search import Blob
from pipeline.demo.traffic import Traffic
from pipeline.kafka import client, topics
from pipeline.kafka.reading import read_all

_LISTENING = "0A"
_WRITING = 0o3  # O_WRONLY | O_RDWR


@dataclass(slots=True)
class Found:
    """What was there to see. ``raw`` are the messages of the raw tier: the control."""

    data: Path
    outcome: oneshot.Outcome
    undeclared: set[str] = field(default_factory=set)
    messages: list[Blob] = field(default_factory=list)
    raw: list[Blob] = field(default_factory=list)
    said: list[Blob] = field(default_factory=list)
    metrics: list[Blob] = field(default_factory=list)
    proc: list[Blob] = field(default_factory=list)
    core_limits: dict[str, str] = field(default_factory=dict)
    written_elsewhere: dict[str, list[str]] = field(default_factory=dict)


async def whole_way(folder: Path, traffic: Traffic) -> Found:
    """Run every stage at debug level over the traffic; the data lie in ``folder / "data"``."""
    data = folder / "data"
    group = Group(
        data,
        {
            "split": {"own_hosts": {"shop": ["shop.example"], "chat": ["chat.example"]}},
            "log": {"level": "debug"},
            "metrics_port": 0,  # any free one: all processes share the settings
        },
    )
    made = policy.load()
    plans = _plans(folder / "input", traffic)
    async with group:
        outcome = await oneshot.run(group, plans, made, system_clock, k=made.current.k)
        found = Found(data, outcome)
        await _read_topics(group, made, found)
        for name, pid in group.pids().items():
            _look_at(name, pid, data, found)
        streams = group.outputs()
    for name, stream in streams.items():
        async with asyncio.timeout(10):
            found.said.append(Blob(f"standard output of {name}", await stream.read()))
    found.said += [
        Blob(f"log of {path.stem}", path.read_bytes()) for path in (data / "log").iterdir()
    ]
    return found


def _plans(folder: Path, traffic: Traffic) -> list[ship.Plan]:
    folder.mkdir()
    plans = []
    for site in traffic.truth:
        path = folder / f"{site}.log"
        path.write_bytes(b"\n".join(traffic.of(site)) + b"\n")
        plans += ship.plan([str(path)], site, site, "combined", "demo-1", system_clock)
    return plans


async def _read_topics(group: Group, made: policy.Policy, found: Found) -> None:
    declared = topics.declared(made.current.retention)
    admin = await client.started(lambda: client.admin(group.kafka()), AIOKafkaAdminClient.start, 15)
    try:
        found.undeclared = set(await admin.list_topics()) - set(declared)
    finally:
        await admin.close()
    for topic in declared.values():
        into = found.raw if topic.tier == "raw" else found.messages
        async for blob in _messages(group, topic.name, topic.partitions):
            into.append(blob)


async def _messages(group: Group, topic: str, partitions: int) -> AsyncIterator[Blob]:
    async for record in read_all(group.kafka(), topic, partitions):
        parts = [record.key, record.value]
        parts += [name.encode() + b"=" + content for name, content in record.headers]
        for part in filter(None, parts):
            yield Blob(f"{topic}:{record.partition}:{record.offset}", part)


def _look_at(name: str, pid: int, data: Path, found: Found) -> None:
    """Read what a process shows of itself in proc(5), and its metrics."""
    proc = Path(f"/proc/{pid}")
    found.proc += [
        Blob(f"{part} of {name}", (proc / part).read_bytes()) for part in ("cmdline", "environ")
    ]
    limit = re.search(r"Max core file size +(\S+) +(\S+)", (proc / "limits").read_text())
    found.core_limits[name] = " ".join(limit.groups()) if limit else "not told"
    found.written_elsewhere[name] = [
        path for path in _written(proc) if not path.startswith(str(data.resolve()))
    ]
    for port in _ports(proc) if name != "broker" else ():
        text = _get(f"http://127.0.0.1:{port}/metrics")
        if text.startswith(b"# HELP"):
            found.metrics.append(Blob(f"metrics of {name}", text))


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- our own port
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.read()


def _written(proc: Path) -> Iterator[str]:
    """Yield the files on disk or in shared memory that a process has open for writing."""
    for descriptor in (proc / "fd").iterdir():
        try:
            path = str(descriptor.readlink())
            flags = re.search(r"flags:\s+([0-7]+)", (proc / "fdinfo" / descriptor.name).read_text())
        except FileNotFoundError:
            continue
        if path.startswith("/") and path != os.devnull and flags and int(flags[1], 8) & _WRITING:
            yield path


def _ports(proc: Path) -> Iterator[int]:
    """Yield the TCP ports a process listens at."""
    mine = {str(each.readlink()) for each in (proc / "fd").iterdir()}
    for line in (proc / "net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENING and f"socket:[{fields[9]}]" in mine:
            yield int(fields[1].rpartition(":")[2], 16)
