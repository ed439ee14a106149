"""A log of runs gives back the state, whoever wrote it and wherever a write was the last."""

from __future__ import annotations

import asyncio
import itertools
import types
from collections.abc import Coroutine, Generator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kafka.runs import RunLog, Span, cover
from tests.support.stores import MemoryStore

OFFSETS = 40


class SharedStore(MemoryStore):
    """Each write is a moment at which others may go on."""

    async def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        await _others()
        await super().put(partition, key, value)


@types.coroutine
def _others() -> Generator[None, None, None]:
    yield


def rows(start: int, end: int) -> bytes:
    """What a run says of the offsets ``(start, end]``."""
    return b" ".join(str(offset).encode() for offset in range(start + 1, end + 1))


def settled(position: int) -> int:
    """Up to which offset nothing is needed any more: follows from the position alone."""
    return position // 10 * 10 - 8


async def work(store: SharedStore, acknowledged: list[int], upto: int) -> None:
    """Do as a rollup does: open, go on from there, append, merge, drop."""
    log = await RunLog.open(store, 0)
    while log.position < upto:
        here = log.position + 1
        await log.append(here, rows(here - 1, here))
        acknowledged.append(here)
        if len(log.spans) >= 5:
            chosen = log.spans[-3:]
            await log.merge(chosen, rows(chosen[0].start, chosen[-1].end))
        floor = settled(here)
        await log.drop_before(next(span for span in log.spans if span.end > floor))


def restored(store: SharedStore) -> tuple[int, list[int]]:
    """Return position and rows that a reader takes from the log as it stands."""
    log = RunLog(store, 0, store.held)
    found = []
    for span, after, value in log.read():
        said = [int(number) for number in value.split()]
        assert said == list(range(span.start + 1, span.end + 1))
        found += [number for number in said if number > after]
    return log.position, found


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=20, max_size=150))
def test_state_is_whole_after_any_writes_of_any_number_of_workers(
    steps: list[tuple[int, bool]],
) -> None:
    """Three workers write as they please, each killed at any write and started again.

    A worker that lags behind stands for a zombie. After every single write a reader finds each
    offset that is still needed once, and stands no further back than anything acknowledged.
    """
    store = SharedStore()
    acknowledged: list[int] = []
    workers: list[Coroutine[Any, Any, None] | None] = [None, None, None]
    for which, killed in steps:
        worker: Coroutine[Any, Any, None] | None
        worker = workers[which] or work(store, acknowledged, OFFSETS)
        try:
            worker.send(None)
        except StopIteration:
            worker = None
        if killed and worker is not None:
            worker.close()
            worker = None
        workers[which] = worker
        position, found = restored(store)
        assert position >= max(acknowledged, default=-1)
        assert len(found) == len(set(found))
        assert set(found) >= set(range(max(settled(position) + 1, 0), position + 1))
        assert all(offset <= position for offset in found)
    for left in workers:
        if left is not None:
            left.close()


def test_opening_deletes_what_a_crash_left_behind() -> None:
    """A merge that was written and whose parts were not deleted yet leaves no rubbish for good."""
    store = SharedStore()
    store.held = {b"-1:0": b"0", b"0:1": b"1", b"-1:1": b"0 1"}
    log = asyncio.run(RunLog.open(store, 0))
    assert log.spans == [Span(-1, 1)]
    assert list(store.held) == [b"-1:1"]


spans = st.builds(
    lambda start, size: Span(start, start + size), st.integers(-1, 30), st.integers(1, 8)
)


@settings(max_examples=300)
@given(st.lists(spans, unique=True, max_size=12))
def test_cover_reaches_the_newest_offset_without_a_gap(found: list[Span]) -> None:
    """Of any spans: what is kept overlaps or touches, reaches the end and as far back as it can."""
    kept, others = cover(found)
    assert sorted([*kept, *others]) == sorted(found)
    if not found:
        return
    end = max(span.end for span in found)
    assert kept[-1].end == end
    assert all(a.end >= b.start and b.end > a.end for a, b in itertools.pairwise(kept))
    covered = {offset for span in found for offset in range(span.start + 1, span.end + 1)}
    start = end
    while start in covered:
        start -= 1
    assert kept[0].start == start


@settings(max_examples=100)
@given(st.lists(spans, unique=True, max_size=8))
def test_cover_keeps_nothing_that_the_rest_says_already(found: list[Span]) -> None:
    kept, _ = cover(found)
    for span in kept:
        rest = [other for other in kept if other != span]
        said = {o for other in rest for o in range(other.start + 1, other.end + 1)}
        assert set(range(span.start + 1, span.end + 1)) - said
