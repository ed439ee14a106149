"""Every stage is known to all who must know it."""

from __future__ import annotations

import asyncio
from itertools import chain

import pytest

from pipeline import policy
from pipeline.apps import STAGES, stage
from pipeline.apps.embedded import PROCESSES
from pipeline.errors import SettingsError
from pipeline.kafka import topics


def test_the_embedded_group_runs_every_stage_once_in_order() -> None:
    assert tuple(chain.from_iterable(PROCESSES)) == STAGES


def test_every_stage_but_those_before_the_first_topic_and_the_pages_reads_one() -> None:
    assert ("keys", "collect", *topics.READ_BY, "console", "investigations") == STAGES


async def test_a_stage_that_cannot_begin_is_never_said_to_be_ready() -> None:
    async def fails() -> None:
        raise SettingsError("key service: cannot listen")

    with pytest.raises(SettingsError, match="cannot listen"):
        await stage._first(asyncio.create_task(fails()), asyncio.Event())


async def test_a_stage_is_waited_for_until_it_says_that_it_is_ready() -> None:
    ready = asyncio.Event()

    async def works() -> None:
        ready.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(works())
    await stage._first(task, ready)
    assert not task.done()
    task.cancel()


@pytest.mark.parametrize(
    ("stage", "topic"), [(stage, topic) for stage, read in topics.READ_BY.items() for topic in read]
)
def test_a_stage_is_among_the_readers_of_what_it_reads(stage: str, topic: str) -> None:
    assert stage in topics.declared(policy.load().current.retention)[topic].readers
