"""The benchmark's run: a full topic, the whole way, a stopwatch, and the reference beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer

from pipeline.apps import STAGES, oneshot
from pipeline.apps.embedded import Group
from pipeline.bench import oracle, parity, reference
from pipeline.bench.preload import preload
from pipeline.clickhouse import remote
from pipeline.clock import stopwatch
from pipeline.errors import UnavailableError
from pipeline.kafka import client, topics
from pipeline.policy import Policy
from pipeline.restricted import describers

SITE: Final = "bench"
INGEST: Final = "bench"
_PROCESSES: Final = tuple(
    (stage,) for stage in STAGES if stage not in {"collect", "investigations", "console"}
)
_HEADERS: Final = [
    ("site", SITE.encode()),
    ("source", b"bench"),
    ("format", b"combined"),
    ("ingest", INGEST.encode()),
]


@dataclass(frozen=True, slots=True)
class Run:
    """``seconds`` from the moment split may read to the last row and record; bytes, CPU seconds."""

    seconds: float
    peak_memory: dict[str, int]
    stages: dict[str, float]
    tables: parity.Tables


async def run(folder: Path, file: Path, lines: int, policy: Policy, *, sealing: bool) -> Run:
    """Preload the file's lines, run every stage over them, and take the figures."""
    declared = topics.declared(policy.current.retention)
    group = Group(
        folder,
        {"log": {"level": "warning"}, "split": {"site": SITE, "source": SITE, "ingest": INGEST}},
        extra={"split": () if sealing else ("--no-sealing",)},
        processes=_PROCESSES,
        held=(("split",),),
    )
    async with group:
        producer = await client.started(
            lambda: client.producer(group.kafka(), max_batch_size=1 << 20, linger_ms=0),
            AIOKafkaProducer.start,
            30,
        )
        try:
            await preload(
                producer, "logs.web", declared["logs.web"].partitions, _lines(file), _HEADERS
            )
        finally:
            await producer.stop()
        await group.release_held()
        before = {name: _cpu(pid) for name, pid in group.pids().items()}
        began = stopwatch()
        await oneshot.finished(group, INGEST, declared["cells"].partitions)
        if sealing:
            await oneshot.sealed(group, lines)
        seconds = stopwatch() - began
        stages = {name: _cpu(pid) - before.get(name, 0.0) for name, pid in group.pids().items()}
        memory = {name: _peak(pid) for name, pid in group.pids().items()}
        tables = await asyncio.to_thread(_tables, group.engine)
    return Run(seconds, memory, stages, tables)


def expected(file: Path, k: int) -> tuple[parity.Tables, reference.Count]:
    """Return what the slow reference makes of the file, and what it counted."""
    count = reference.Count()
    rows = reference.rows(_lines(file), SITE, reference.Describers(*describers()), count)
    made = oracle.release(rows, k).tables
    # The oracle leaves the bytes of a breakdown open; the tables have no such column.
    tables = {
        table: {key: tuple(n for n in numbers if n is not None) for key, numbers in cells.items()}
        for table, cells in made.items()
    }
    return tables, count


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        for line in opened:
            yield line.rstrip(b"\n")


def _tables(engine: str) -> parity.Tables:
    found: dict[str, dict[parity.Key, parity.Numbers]] = {}
    for table in parity.COMPARED:
        text = f"SELECT * REPLACE (toUnixTimestamp(window_start) AS window_start) FROM analytics.{table}"  # noqa: S608, E501 -- our own names
        rows = remote.query(engine, text)
        found[table] = parity.keyed(table, rows)
    return found


def _cpu(pid: int) -> float:
    """Return the seconds of processor time a process has used (proc(5), fields 14 and 15)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        raise UnavailableError("a stage has ended during the benchmark") from None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    """Return the most memory a process has held, in bytes (VmHWM of proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
