"""``partywall simulate`` refuses what it cannot do in one line, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def simulate(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command and return what came of it."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "simulate", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_folder_gets_a_file_per_site_and_format_and_the_truth(tmp_path: Path) -> None:
    out = tmp_path / "new" / "logs"
    run = simulate(
        "--out", out, "--seed", 3, "--days", 1, "--visits", 20, "--sites", "a,b",
        "--format", "combined,docker.caddy", "--bad", 0, "--late", 0,
        "--start", "2025-06-01T00:00+02:00", "--zone", "Asia/Tokyo",
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, "")
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    names = ("combined.log", "docker.caddy.log", "widget.ndjson")
    assert found == {f"{site}/{name}" for site in "ab" for name in names} | {"truth.json"}
    truth = json.loads((out / "truth.json").read_bytes())
    assert truth["scenario"]["start"] == "2025-05-31T22:00:00Z"
    entry = truth["sites"]["a"]["files"]["a/combined.log"]
    assert entry["lines"] == entry["events"]
    again = simulate("--out", out)
    assert again.returncode == 2
    assert "not empty" in again.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--format", "apache"), "--format"),
        (("--zone", "Mars/Olympus"), "--zone"),
        (("--start", "soon"), "--start"),
        (("--start", "2025-03-29T00:10"), "--start"),
        (("--start", "1980-01-01"), "--start"),
        (("--sites", "a,../b"), "--sites"),
        (("--bad", "2"), "--bad"),
        (("--days", "0"), "--days"),
    ],
)
def test_what_cannot_be_is_one_line_and_code_2(
    tmp_path: Path, arguments: tuple[str, ...], part: str
) -> None:
    out = tmp_path / "logs"
    run = simulate("--out", out, *arguments)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert part in run.stderr
    assert not out.exists()
