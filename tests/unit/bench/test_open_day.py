"""What a day costs in memory is read from a process that took it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import policy
from pipeline.bench import open_day


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux alone tells")
def test_a_day_that_closes_needs_more_than_one_that_is_open() -> None:
    found = open_day.measure(2_000, 10, policy.load(None).current.crossings, 7)
    assert found.hits >= found.rows > 10_000
    assert 0 < found.held < found.close
    assert found.hour > 0
