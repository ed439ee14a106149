"""Sites of different sizes through every stage: what was released betrays nobody."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command import partywall


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
