"""The splitter's loop: three batches under way, and none said to be done before it is."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Callable, Sized
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete

from pipeline import events, sealed
from pipeline.apps.split import Worker
from pipeline.clock import Clock
from pipeline.keys.client import KeyClient
from pipeline.keys.material import PseudonymKey, SealingKey
from pipeline.settings import Settings
from tests.unit.sealed.records import day_key

PARTITIONS = [TopicPartition("logs.web", number) for number in range(2)]
NOW = dt.datetime(2026, 5, 17, 12, tzinfo=dt.UTC)
LINE = (
    b'2001:DB8::%x - - [17/May/2026:11:59:03 +0000] "GET /a HTTP/1.1" 200 7 "-" "Mozilla/5.0 '
    b'(X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"'
)


class Log:
    """A consumer whose position runs ahead with what it hands out, as Kafka's does."""

    def __init__(self, turns: list[dict[TopicPartition, int]]) -> None:
        self._turns = turns
        self.at = dict.fromkeys(PARTITIONS, 0)
        self.waiting = 0
        """Records behind what is handed out, that the broker knows of."""
        self._committed: dict[TopicPartition, int] = {}
        self.on_commit: Callable[[TopicPartition, int], None] = lambda _, __: None
        self._changed = asyncio.Event()
        self._empty = False

    def assignment(self) -> set[TopicPartition]:
        return set(PARTITIONS)

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {partition: self.at[partition] + self.waiting for partition in partitions}

    def highwater(self, partition: TopicPartition) -> int | None:
        del partition
        return None

    async def getmany(self, **_: object) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0)
        if not self._turns:
            self._empty = True
            self._changed.set()
            return {}
        found = {}
        for partition, count in self._turns.pop(0).items():
            start = self.at[partition]
            self.at[partition] = start + count
            offsets = range(start, start + count)
            found[partition] = [
                SimpleNamespace(key=None, offset=n, timestamp=n, value=LINE % n, headers=())
                for n in offsets
            ]
        return found

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        for partition, offset in offsets.items():
            self.on_commit(partition, offset)
        self._committed |= offsets
        self._changed.set()

    async def caught_up(self) -> None:
        """Wait until all there is has been handed out and committed."""
        while not self._empty or self._committed != {tp: at for tp, at in self.at.items() if at}:
            self._changed.clear()
            await self._changed.wait()


class Sent:
    """A producer that keeps what it is given, and takes a moment for it."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, int, bytes]] = []

    async def send_and_wait(self, topic: str, value: bytes, partition: int) -> None:
        await asyncio.sleep(0)
        self.messages.append((topic, partition, value))

    def events(self) -> list[tuple[int, bytes]]:
        return [(at, message) for topic, at, message in self.messages if topic == "events"]


class Keys:
    """A key service with a key for everything."""

    def forget_due(self) -> None:
        """Keep no key."""

    async def pseudonym_keys(self, ingest: str, days: list[int]) -> dict[int, bytes]:
        return {day: f"{ingest:>12}{day:>20}".encode() for day in days}

    async def sealing(self) -> SealingKey:
        return day_key().key


class Admin:
    """Deletes nothing, and remembers what it was asked to."""

    def __init__(self) -> None:
        self.asked: list[tuple[TopicPartition, int]] = []

    async def delete_records(self, upto: dict[TopicPartition, RecordsToDelete]) -> None:
        self.asked += [(partition, records.before_offset) for partition, records in upto.items()]


def worker(clock: Clock = lambda: NOW) -> Worker:
    # Idle at once, so that at every turn a silent partition is spoken for.
    split = {"idle_seconds": 1e-9, "linger_ms": 1}
    return Worker(Settings.model_validate({"split": split}), clock=clock)


async def run(made: Worker, log: Log, sent: Sent, keys: object, admin: object = None) -> None:
    parts: Any = (log, sent, admin or Admin(), keys)
    task = asyncio.create_task(made._loop(*parts))
    async with asyncio.timeout(30):
        await log.caught_up()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("seed", range(6))
async def test_no_partition_is_told_to_have_come_further_than_what_was_sent(seed: int) -> None:
    """A silent partition's offset is told too, and its next batch may be fetched already.

    Were that counted as come, the rollup would drop its rows as repeated.
    """
    draw = random.Random(seed)
    turns = [
        {tp: draw.randrange(1, 4) for tp in PARTITIONS if draw.random() < 0.4} for _ in range(40)
    ]
    turns.append(dict.fromkeys(PARTITIONS, 1))
    log, sent = Log(turns), Sent()
    await run(worker(), log, sent, Keys())
    come: dict[str, list[int]] = {}
    told: dict[tuple[str, int], int] = {}
    for partition, message in sent.events():
        header, rows = events.decode(message)
        before = told.get((header.source, partition), -1)
        assert all(before < offset <= header.last_offset for offset in rows["offset"])
        come.setdefault(header.source, []).extend(rows["offset"])
        told[header.source, partition] = max(before, header.last_offset)
    for source, number in [("logs.web:0", 0), ("logs.web:1", 1)]:
        assert sorted(come[source]) == list(range(log.at[PARTITIONS[number]]))


async def test_a_batch_is_committed_when_all_of_it_was_sent_and_deleted_when_it_was_committed() -> (
    None
):
    log, sent, admin = Log([dict.fromkeys(PARTITIONS, 5)] * 8), Sent(), Admin()
    committed: dict[TopicPartition, int] = {}

    def check(partition: TopicPartition, offset: int) -> None:
        heads = [(where, events.decode_header(message)) for where, message in sent.events()]
        mine = [(at, h) for at, h in heads if h.source == f"logs.web:{partition.partition}"]
        reach = {at: head.last_offset for at, head in mine}
        assert [reach.get(at) for at in range(4)] == [offset - 1] * 4
        held = [sealed.decode(m).header for topic, _, m in sent.messages if topic == "vault.sealed"]
        assert max(h.last for h in held if h.source == mine[0][1].source) == (offset - 1, 0)
        assert all(before <= committed.get(tp, 0) for tp, before in admin.asked)
        committed[partition] = offset

    log.on_commit = check
    await run(worker(), log, sent, Keys(), admin)
    assert committed == dict.fromkeys(PARTITIONS, 40)
    assert admin.asked
    assert all(before <= committed[tp] for tp, before in admin.asked)


async def test_a_partition_with_records_waiting_is_not_spoken_for() -> None:
    """A worker that was halted for long must not say that nothing older can come."""
    log, sent = Log([{PARTITIONS[0]: 1}] * 9), Sent()
    log.waiting = 3
    await run(worker(), log, sent, Keys())
    assert {events.decode_header(m).source for _, m in sent.events()} == {"logs.web:0"}
    log, sent = Log([{PARTITIONS[0]: 1}] * 9), Sent()
    await run(worker(), log, sent, Keys())
    assert {events.decode_header(m).source for _, m in sent.events()} == {
        "logs.web:0",
        "logs.web:1",
    }


async def test_dead_keys_and_raw_values_are_forgotten_where_nothing_comes_any_more() -> None:
    now = [NOW]
    made = worker(lambda: now[0])
    remembered: list[Sized] = [
        made._splitter._describer._agents._remembered,
        made._splitter._describer._pages._scrubber._remembered,
    ]
    await run(made, Log([{PARTITIONS[0]: 1, PARTITIONS[1]: 1}]), Sent(), Keys())
    assert all(len(each) for each in remembered)
    client = KeyClient("unix://nowhere", "token", lambda: now[0])
    client._keys["live", 20_590] = PseudonymKey(bytes(32), int(NOW.timestamp()) + 60)
    now[0] += dt.timedelta(days=1)
    await run(made, Log([]), Sent(), client)
    assert not client._keys
    assert not any(len(each) for each in remembered)
