"""The two commands that do all the set-up say what they do, and do it once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOP = Path(__file__).parents[3]


def _make(*words: str) -> str:
    # Not as a child of the make that may have started this test.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(
        ["make", *words], cwd=TOP, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_plain_make_lists_the_commands() -> None:
    """Whoever types `make` learns of every target that has a purpose of its own."""
    listed = {line.split()[1] for line in _make().splitlines()}
    assert listed == {
        "help",
        "setup",
        "demo",
        "demo-investigation",
        "test",
        "test-kill-long",
        "check",
        "bench",
        "bench-loss",
        "bench-memory",
        "bench-queries",
        "bench-vault",
        "clean",
    }


def test_ci_runs_what_people_run() -> None:
    """The bare machine runs make check and make test, no list of its own."""
    script = (TOP / ".ci/run").read_text(encoding="utf-8")
    assert "make check" in script
    assert "make test" in script


def test_check_covers_code_walls_and_deployment() -> None:
    """`make check` lints, formats, types, and looks at walls and deployment files."""
    plan = _make("--dry-run", "check")
    for tool in ("ruff check", "ruff format", "mypy", "lint-imports", "yamllint", "deploy/check"):
        assert tool in plan
