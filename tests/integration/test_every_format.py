"""One command takes a folder with a file of every format, and every site comes out right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

PARTYWALL: Final = Path(sys.executable).parent / "partywall"
WITHIN: Final = 240


def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PARTYWALL, *map(str, arguments)], check=True, capture_output=True, timeout=WITHIN
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's traffic in every format and in every wrapper, and its widget's events."""
    made = tmp_path_factory.mktemp("every") / "sites"
    run("simulate", "--out", made, "--format", "all", "--visits", 30, "--days", 1, "--sites",
        "shop", "--bad", "0.02")  # fmt: skip
    return made


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, dict[str, Any]]:
    """What is in each file, by its name up to a dot: that is the name of its site here."""
    site = json.loads((folder / "truth.json").read_bytes())["sites"]["shop"]
    files: dict[str, dict[str, Any]] = {}
    for path, about in site["files"].items():
        files[Path(path).name] = about
    return files


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    """The folder, with one command; nothing is said of its formats."""
    said = run("report", "--k", 1, "--json", "--site-from", "file", "--own-host",
               "www.shop.example", folder / "shop")  # fmt: skip
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_every_site_has_its_hits_and_bytes(
    report: dict[str, Any], truth: dict[str, dict[str, Any]]
) -> None:
    hits: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    for name, about in truth.items():
        site = name.partition(".")[0]
        hits[site] += about["events"]
        sent[site] += about["bytes"]
    found_hits: Counter[str] = Counter()
    found_bytes: Counter[str] = Counter()
    for row in report["traffic_daily"]:
        if row["site"].endswith(".widget"):
            continue
        found_hits[row["site"]] += row["hits"]
        found_bytes[row["site"]] += row["bytes"]
    assert found_hits == hits
    assert found_bytes == sent


def test_every_site_has_its_statuses(
    report: dict[str, Any], truth: dict[str, dict[str, Any]]
) -> None:
    wanted: Counter[tuple[str, str]] = Counter()
    for name, about in truth.items():
        for status, hits in about["statuses"].items():
            wanted[name.partition(".")[0], status] += hits
    found: Counter[tuple[str, str]] = Counter()
    for row in report["breakdown_daily"]:
        if row["dimension"] == "status" and not row["site"].endswith(".widget"):
            found[row["site"], row["value"]] += row["hits"]
    assert found == wanted


def test_own_hosts_are_those_of_every_site(report: dict[str, Any]) -> None:
    """Lines of combined do not name their host, so that nothing else could tell."""
    inside = {
        row["site"]
        for row in report["breakdown_daily"]
        if row["dimension"] == "referrer_kind" and row["value"] == "internal"
    }
    assert {"combined", "nginx", "iis"} <= inside


def test_the_account_closes(report: dict[str, Any], truth: dict[str, dict[str, Any]]) -> None:
    lines = report["lines"]
    assert lines["in"] == lines["events"] + lines["rejected"] + lines["ignored"]
    assert report["sealed"]["records"] == lines["in"]
    widget = sum(row["hits"] for row in report["traffic_daily"] if row["site"].endswith(".widget"))
    assert lines["events"] - widget == sum(about["events"] for about in truth.values())
    assert report["totals"]["withheld_hits"] == 0
