"""Every stage is known to all who must know it."""

from __future__ import annotations

from itertools import chain

import pytest

from pipeline import policy
from pipeline.apps import STAGES
from pipeline.apps.embedded import PROCESSES
from pipeline.kafka import topics


def test_the_embedded_group_runs_every_stage_once_in_order() -> None:
    assert tuple(chain.from_iterable(PROCESSES)) == STAGES


def test_every_stage_but_those_before_the_first_topic_and_the_pages_reads_one() -> None:
    assert ("keys", "collect", *topics.READ_BY, "investigations") == STAGES


@pytest.mark.parametrize(
    ("stage", "topic"), [(stage, topic) for stage, read in topics.READ_BY.items() for topic in read]
)
def test_a_stage_is_among_the_readers_of_what_it_reads(stage: str, topic: str) -> None:
    assert stage in topics.declared(policy.load().current.retention)[topic].readers
