"""Killed at any step of an append, or with a disk that fails at it, a log is whole afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("before", "count"),
    [(0, 1), (3, 1), (255, 1), (256, 1), (250, 300)],
    ids=["begun", "grown", "filled", "next bundle", "several bundles"],
)
def test_a_kill_or_a_failing_disk_loses_nothing(tmp_path: Path, before: int, count: int) -> None:
    """At every call to the system, torn writes included.

    The check then speaks of unfinished appends alone, the next append leaves nothing to find, and
    every entry that was acknowledged stands where it was said to stand.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.audit.killed", str(tmp_path), str(before), str(count)],
        cwd=TOP,
        env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    lines = done.stdout.splitlines()
    assert sum(line.startswith("killed") for line in lines) > 20
    assert sum(line.startswith("failing") for line in lines) > 20
    assert any(f"unfinished append of entry {before}" in line for line in lines)
