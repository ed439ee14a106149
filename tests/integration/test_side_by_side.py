"""A site's log in many files of the same days gives the numbers that one file gives."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

PARTYWALL: Final = Path(sys.executable).parent / "partywall"
FILES: Final = 12


def run(*arguments: object) -> dict[str, Any]:
    made = subprocess.run(
        [PARTYWALL, *map(str, arguments)], check=True, capture_output=True, timeout=240
    )
    return json.loads(made.stdout) if made.stdout else {}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("side") / "made"
    run("simulate", "--out", folder, "--visits", 2_500, "--days", 2, "--sites", "shop")
    return folder / "shop" / "combined.log"


def test_no_file_closes_the_windows_of_the_others(log: Path) -> None:
    """Dense files and sparse ones: a chunk of some holds an hour, and of others all the days."""
    folder = log.parent / "many"
    folder.mkdir()
    draw = random.Random(5)
    files = [(folder / f"web-{number}.log").open("wb") for number in range(FILES)]
    for line in log.read_bytes().splitlines(keepends=True):
        draw.choices(files, [2.0**-n for n in range(FILES)])[0].write(line)
    for file in files:
        file.close()
    whole, many = run("report", "--json", log), run("report", "--json", folder)
    assert many["lines"] == whole["lines"]
    assert many["totals"] == whole["totals"]
    assert many["traffic_daily"] == whole["traffic_daily"]
    assert many["traffic_hourly"] == whole["traffic_hourly"]
    assert whole["totals"]["released_hits"] > whole["totals"]["hits"] // 2
