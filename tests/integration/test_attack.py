"""Sites of different sizes through every stage: what was released betrays nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FAR_TOO_LONG = 180  # seconds


def partywall(folder: Path, *arguments: object) -> str:
    """Run the command in ``folder``; return what it printed."""
    run = subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=FAR_TOO_LONG,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_nothing_can_be_worked_out_of_what_a_report_released(tmp_path: Path) -> None:
    partywall(tmp_path, "simulate", "--out", "logs", "--visits", 200)
    partywall(
        tmp_path, "report", "logs/shop/combined.log", "logs/blog/combined.log",
        "--site-from", "folder", "--data", "kept",
    )  # fmt: skip
    found = json.loads(partywall(tmp_path, "attack", "--data", "kept", "--json"))
    assert (found["k"], found["findings"]) == (10, [])
    assert found["days"] >= 4
    assert found["tried"]["pair"] + found["tried"]["triple"] > 20_000
    assert found["systems"] > 100
