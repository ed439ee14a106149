"""A worker rather stops than skips, and keeps nothing across a rebalance."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from faust.types import TP

from pipeline.errors import IntegrityError, UnavailableError
from pipeline.kafka import worker

CHANGELOG = "rollup-runs-changelog"


class Signal:
    def __init__(self) -> None:
        self.receivers: list[Any] = []

    def connect(self, receiver: Any) -> None:  # noqa: ANN401
        self.receivers.append(receiver)

    async def send(self) -> None:
        for receiver in self.receivers:
            await receiver(None, set())


class Consumer:
    """The broker's first and end offsets, by topic and partition."""

    def __init__(self, first: dict[TP, int], ends: dict[TP, int]) -> None:
        self.first, self.ends = first, ends

    async def earliest_offsets(self, *wanted: TP) -> dict[TP, int]:
        return {tp: self.first[tp] for tp in wanted}

    async def highwaters(self, *wanted: TP) -> dict[TP, int]:
        return {tp: self.ends[tp] for tp in wanted}


class App:
    def __init__(self, consumer: Consumer | None = None) -> None:
        self.on_partitions_revoked = Signal()
        self.on_rebalance_complete = Signal()
        self.consumer = consumer
        self.stopped = asyncio.Event()

    async def wait_until_stopped(self) -> None:
        await self.stopped.wait()


class Event:
    def __init__(self, offset: int) -> None:
        self.message = self
        self.tp = TP("events", 2)
        self.partition, self.offset = 2, offset


async def test_what_is_held_is_opened_once_until_partitions_move() -> None:
    app: Any = App()
    opened: list[int] = []

    async def make(partition: int) -> str:
        opened.append(partition)
        return f"state {len(opened)}"

    held = worker.Held(app, make)
    assert [await held.of(1), await held.of(1), await held.of(2)] == [
        "state 1",
        "state 1",
        "state 2",
    ]
    for signal in (app.on_partitions_revoked, app.on_rebalance_complete):
        before = held.generation
        await signal.send()
        assert held.generation > before
        assert held.values() == []
    assert await held.of(1) == "state 3"


async def test_what_was_being_opened_while_partitions_moved_is_not_kept() -> None:
    """It was read before the partition went elsewhere: another may have gone on since."""
    app: Any = App()

    async def make(partition: int) -> int:
        await app.on_partitions_revoked.send()
        return partition

    held = worker.Held(app, make)
    assert await held.of(3) == 3
    assert held.values() == []


class Stream:
    """A stream of three events, which notes those that were acknowledged."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for number in range(3):
            event: Any = Event(number)
            event.ack = partial(self.done.append, number)
            yield event


async def test_what_was_in_hand_when_a_worker_is_stopped_is_not_acknowledged() -> None:
    stream: Any = Stream()
    at_work = asyncio.Event()

    async def run() -> None:
        async for event in worker.each(stream):
            if event.message.offset == 1:
                at_work.set()
                await asyncio.Event().wait()

    running = asyncio.create_task(run())
    await at_work.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    gc.collect()
    await asyncio.sleep(0)
    assert stream.done == [0]


def following(
    offset: int, position: int, *, first: int, changelog: tuple[int, int] | None = None
) -> None:
    """Ask whether ``offset`` may come after ``position``; the log begins at ``first``."""
    begin, end = changelog or (0, 0)
    state = TP(CHANGELOG, 2)
    app: Any = App(Consumer({TP("events", 2): first, state: begin}, {state: end}))
    event: Any = Event(offset)
    named = None if changelog is None else CHANGELOG
    asyncio.run(worker.follows(app, event, position, named))


@pytest.mark.parametrize(
    ("offset", "position", "first"), [(0, -1, 0), (8, 7, 0), (3, 7, 0), (9, 4, 9), (9, -1, 9)]
)
def test_the_next_event_follows_and_so_does_the_first_there_is(
    offset: int, position: int, first: int
) -> None:
    following(offset, position, first=first)


@pytest.mark.parametrize(("offset", "position", "first"), [(9, 7, 0), (9, 7, 8), (1, -1, 0)])
def test_an_event_past_a_gap_stops_the_worker(offset: int, position: int, first: int) -> None:
    with pytest.raises(IntegrityError, match=f"offset {offset} came after {position}"):
        following(offset, position, first=first)


def test_a_state_that_retention_took_whole_begins_anew() -> None:
    """Where the changelog held something once and is empty now; not where it never did."""
    following(9, -1, first=0, changelog=(40, 40))
    for position, changelog in ((-1, (40, 45)), (-1, (0, 0)), (3, (40, 40))):
        with pytest.raises(IntegrityError):
            following(9, position, first=0, changelog=changelog)


async def test_a_client_that_gave_up_is_noticed() -> None:
    app: Any = App()
    watching = asyncio.create_task(worker.watch(app))
    await asyncio.sleep(0)
    assert not watching.done()
    app.stopped.set()
    with pytest.raises(UnavailableError):
        await watching


def test_the_last_word_of_a_dying_worker_is_written_and_holds_no_content() -> None:
    """Ending at once must not lose the line that says why, and the line must not quote."""
    script = (
        "import asyncio\n"
        "from pipeline import logs\n"
        "from pipeline.kafka import worker\n"
        "logs.setup('info', json_lines=True)\n"
        "async def run(stream):\n"
        "    raise ValueError('10.1.2.3 secret')\n"
        "asyncio.run(worker.guard(run)(None))\n"
        "print('still here')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 70
    assert b"the worker stops" in done.stderr
    assert b"ValueError" in done.stderr
    assert b"secret" not in done.stderr + done.stdout
    assert b"still here" not in done.stdout
