"""The report's numbers are exact: those of the real sample, counted anew by plain Python."""

from __future__ import annotations

import datetime as dt
import functools
import gzip
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

SAMPLE: Final = Path(__file__).parents[3] / "shared/data/apache_logs.gz"
DAY: Final = "%Y-%m-%dT00:00:00Z"
HOUR: Final = "%Y-%m-%dT%H:00:00Z"
DIMENSIONS: Final = frozenset(
    (
        "goal page referrer_kind referrer came_from campaign browser system device bot suspicion "
        "country place provider status method response_time event detail locale screen "
        "widget_version"
    ).split()
)
# On purpose not the product's grammar: cut from both ends.
_LINE: Final = re.compile(
    r"^(\S+) \S+ \S+ \[([^]]+)\] \"(\S+) .*? HTTP/[\d.]+\" (\d{3}) (\d+|-) "
    r"\"(?:[^\"\\]|\\.)*\" \"((?:[^\"\\]|\\.)*)\"$"
)

pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason=f"no sample at {SAMPLE}")


@dataclass
class Cell:
    """Hits, bytes and the visitors themselves, told apart by address and agent."""

    hits: int = 0
    bytes: int = 0
    visitors: set[tuple[str, str]] = field(default_factory=set)

    def add(self, size: int, visitor: tuple[str, str]) -> None:
        self.hits += 1
        self.bytes += size
        self.visitors.add(visitor)


@dataclass
class Truth:
    """What plain Python counts: by window, and by window and value of status and method."""

    lines: int = 0
    parsed: int = 0
    traffic: defaultdict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    values: defaultdict[tuple[str, str, str], Cell] = field(
        default_factory=lambda: defaultdict(Cell)
    )


@functools.cache
def truth() -> Truth:
    counted = Truth()
    with gzip.open(SAMPLE, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            counted.lines += 1
            match = _LINE.match(line.rstrip("\n"))
            if match is None:
                continue
            counted.parsed += 1
            address, stamp, method, status, size, agent = match.groups()
            moment = dt.datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").astimezone(dt.UTC)
            sent = 0 if size == "-" else int(size)
            for window in (moment.strftime(DAY), f"hour {moment.strftime(HOUR)}"):
                counted.traffic[window].add(sent, (address, agent))
                counted.values[window, "status", status].add(sent, (address, agent))
                counted.values[window, "method", method].add(sent, (address, agent))
    return counted


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """The reports of the sample with k = 1 and k = 10."""
    found = {}
    for k in (1, 10):
        run = subprocess.run(
            [sys.executable, "-m", "pipeline", "report", str(SAMPLE), "--json", "--k", str(k)],
            cwd=tmp_path_factory.mktemp("exact"),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        found[k] = json.loads(run.stdout)
    return found


def test_the_independent_count_agrees_with_what_is_known_of_the_sample() -> None:
    counted = truth()
    days = [cell for window, cell in counted.traffic.items() if not window.startswith("hour")]
    statuses: Counter[str] = Counter()
    for (window, dimension, value), cell in counted.values.items():
        if dimension == "status" and not window.startswith("hour"):
            statuses[value] += cell.hits
    assert (counted.lines, counted.parsed) == (10_000, 9_999)
    assert sum(cell.bytes for cell in days) == 2_747_282_505
    assert statuses == {
        "200": 9_125, "304": 445, "404": 213, "301": 164, "206": 45, "500": 3, "403": 2, "416": 2,
    }  # fmt: skip


@pytest.mark.parametrize("k", [1, 10])
def test_every_line_is_accounted_for(reports: dict[int, dict[str, Any]], k: int) -> None:
    report = reports[k]
    assert report["lines"] == {"in": 10_000, "events": 9_999, "rejected": 1, "ignored": 0}
    assert report["sealed"]["records"] == 10_000
    assert report["k"] == k
    assert report["anonymous"] is (k > 1)


def test_totals_with_k_1_are_those_of_the_input(reports: dict[int, dict[str, Any]]) -> None:
    totals = reports[1]["totals"]
    assert (totals["hits"], totals["bytes"]) == (9_999, 2_747_282_505)
    assert (totals["released_hits"], totals["withheld_hits"]) == (9_999, 0)


@pytest.mark.parametrize(("table", "prefix"), [("traffic_daily", ""), ("traffic_hourly", "hour ")])
def test_traffic_with_k_1_is_the_plain_count(
    reports: dict[int, dict[str, Any]], table: str, prefix: str
) -> None:
    """Humans and bots add up to all: the agent, which tells them apart, tells visitors apart."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in reports[1][table]:
        for at, name in enumerate(("hits", "bytes", "visitors")):
            found[prefix + row["window_start"]][at] += row[name]
    wanted = {
        window: [cell.hits, cell.bytes, len(cell.visitors)]
        for window, cell in truth().traffic.items()
        if window.startswith("hour ") == bool(prefix)
    }
    assert found == wanted


@pytest.mark.parametrize(
    ("table", "prefix"), [("breakdown_daily", ""), ("breakdown_hourly", "hour ")]
)
def test_statuses_and_methods_with_k_1_are_the_plain_count(
    reports: dict[int, dict[str, Any]], table: str, prefix: str
) -> None:
    found = {
        (prefix + row["window_start"], row["dimension"], row["value"]): (
            row["hits"],
            row["visitors"],
        )
        for row in reports[1][table]
        if row["dimension"] in {"status", "method"}
    }
    wanted = {
        key: (cell.hits, len(cell.visitors))
        for key, cell in truth().values.items()
        if key[0].startswith("hour ") == bool(prefix)
    }
    assert found == wanted


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("pace", ["daily", "hourly"])
def test_each_dimension_adds_up_to_the_traffic_of_its_window(
    reports: dict[int, dict[str, Any]], k: int, pace: str
) -> None:
    traffic: Counter[str] = Counter()
    for row in reports[k][f"traffic_{pace}"]:
        traffic[row["window_start"]] += row["hits"]
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in reports[k][f"breakdown_{pace}"]:
        sums[row["dimension"]][row["window_start"]] += row["hits"]
    assert sums.keys() == DIMENSIONS
    assert all(windows == traffic for windows in sums.values())


def test_no_cell_with_k_10_stands_for_fewer_than_ten(reports: dict[int, dict[str, Any]]) -> None:
    tables = ("traffic_daily", "traffic_hourly", "breakdown_daily", "breakdown_hourly")
    rows = [row for table in tables for row in reports[10][table]]
    assert rows
    assert min(row["visitors"] for row in rows) >= 10


def test_released_and_withheld_are_all_there_is(reports: dict[int, dict[str, Any]]) -> None:
    totals = reports[10]["totals"]
    assert totals["released_hits"] + totals["withheld_hits"] == 9_999
    assert totals["released_hits"] == sum(row["hits"] for row in reports[10]["traffic_daily"])


def test_no_cell_with_k_10_says_more_than_the_truth(reports: dict[int, dict[str, Any]]) -> None:
    """What is withheld is missing, never made up."""
    counted = truth()
    for row in reports[10]["breakdown_daily"]:
        if row["dimension"] in {"status", "method"} and row["value"] != "(other)":
            cell = counted.values[row["window_start"], row["dimension"], row["value"]]
            assert row["hits"] <= cell.hits
            assert row["visitors"] <= len(cell.visitors)
